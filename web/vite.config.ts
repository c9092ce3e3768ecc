import { defineConfig } from "vite";

// Two products from one source: the element as a single file with everything in it
// (`--mode element`), and the page that hosts it.
export default defineConfig(({ mode }) =>
  mode === "element"
    ? {
        publicDir: false,
        build: {
          outDir: "dist",
          emptyOutDir: false,
          lib: { entry: "src/element/access-tokens.ts", formats: ["es"], fileName: () => "access-tokens.js" },
        },
      }
    : {
        build: {
          outDir: "dist",
          // The Content-Security-Policy allows no inline script, so none is inserted.
          modulePreload: { polyfill: false },
          assetsInlineLimit: 0,
        },
      },
);
