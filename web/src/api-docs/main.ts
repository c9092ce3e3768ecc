/** The description of the API as a page, where each request can be tried. */

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "../page/page.css";
import "./api-docs.css";

const DESCRIPTION = "/openapi.yaml";

// Swagger UI has a dark theme of its own, which this class turns on.
const dark = matchMedia("(prefers-color-scheme: dark)");
const applyTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", applyTheme);
applyTheme();

// The first server is the one that requests are tried on. The description names it by a placeholder,
// because generated clients are made for any deployment.
SwaggerUI({
  url: DESCRIPTION,
  domNode: document.querySelector("#main"),
  responseInterceptor: (response) => {
    if (!response.url.endsWith(DESCRIPTION) || !response.text) return response;
    const here = `servers:\n  - url: ${location.origin}\n    description: This deployment.\n`;
    const text = response.text.replace("servers:\n", here);
    return Object.assign(response, { text, data: text });
  },
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  // Nothing is sent to a validator, and no credential is stored.
  validatorUrl: null,
  persistAuthorization: false,
});
