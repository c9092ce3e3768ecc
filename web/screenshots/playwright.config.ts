import config from "../playwright.config.js";

// A smaller window than in the tests keeps the files small.
const DESKTOP = { width: 960, height: 620 };

export default {
  ...config,
  testDir: ".",
  projects: (config.projects ?? [])
    .filter((project) => project.name?.startsWith("desktop"))
    .map((project) => ({ ...project, use: { ...project.use, viewport: DESKTOP } })),
};
