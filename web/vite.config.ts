import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

// The first versions that know `light-dark()`. For older ones Vite would rewrite it to properties that
// depend on the host page's style sheet, and the element would have no colours in other frontends.
const cssTarget = ["chrome123", "edge123", "firefox120", "safari17.5"];

/** Puts the description of the API next to the page that shows it. */
const apiDescription: Plugin = {
  name: "api-description",
  apply: "build",
  buildStart() {
    const source = readFileSync("../docs/openapi.yaml");
    this.emitFile({ type: "asset", fileName: "openapi.yaml", source });
  },
};

// One source, two products: the element as a single file with everything in it (`--mode element`), and
// the pages around it.
export default defineConfig(({ mode }) =>
  mode === "element"
    ? {
        publicDir: false,
        build: {
          cssTarget,
          outDir: "dist",
          emptyOutDir: false,
          lib: { entry: "src/element/index.ts", formats: ["es"], fileName: () => "access-tokens.js" },
          // One file, although the element itself is imported only where it can run.
          rolldownOptions: { output: { codeSplitting: false } },
        },
      }
    : {
        plugins: [apiDescription],
        build: {
          cssTarget,
          outDir: "dist",
          rolldownOptions: { input: ["index.html", "api-docs.html"] },
          // Swagger UI alone is larger than the default limit of a warning.
          chunkSizeWarningLimit: 2_000,
          // The Content-Security-Policy allows no inline script.
          modulePreload: { polyfill: false },
          assetsInlineLimit: 0,
        },
      },
);
