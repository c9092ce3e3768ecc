import config from "../playwright.config.js";

// Smaller than the tests' window, so that the pictures are small as well.
const DESKTOP = { width: 960, height: 560 };

export default {
  ...config,
  testDir: ".",
  projects: (config.projects ?? []).map((project) =>
    project.name?.startsWith("desktop")
      ? { ...project, use: { ...project.use, viewport: DESKTOP } }
      : project,
  ),
};
