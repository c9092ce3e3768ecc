import { defineConfig } from "vite";

// The first versions that know `light-dark()`. For older ones Vite would rewrite it to properties that
// depend on the host page's style sheet, and the element would have no colours in other frontends.
const cssTarget = ["chrome123", "edge123", "firefox120", "safari17.5"];

// One source, two products: the element as a single file with everything in it (`--mode element`), and
// the page around it.
export default defineConfig(({ mode }) =>
  mode === "element"
    ? {
        publicDir: false,
        build: {
          cssTarget,
          outDir: "dist",
          emptyOutDir: false,
          lib: { entry: "src/element/access-tokens.ts", formats: ["es"], fileName: () => "access-tokens.js" },
        },
      }
    : {
        build: {
          cssTarget,
          outDir: "dist",
          // The Content-Security-Policy allows no inline script.
          modulePreload: { polyfill: false },
          assetsInlineLimit: 0,
        },
      },
);
