declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  interface Response {
    url: string;
    text?: string;
  }

  /** https://swagger.io/docs/open-source-tools/swagger-ui/usage/configuration/ */
  interface Options {
    url: string;
    domNode: Element | null;
    responseInterceptor: (response: Response) => Response;
    deepLinking: boolean;
    defaultModelsExpandDepth: number;
    validatorUrl: string | null;
    persistAuthorization: boolean;
  }

  export default function SwaggerUI(options: Options): unknown;
}
