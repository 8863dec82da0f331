import { defineConfig } from "vite";

// Relative addresses, so that the page can be served from anywhere; nothing inline, so that its policy can forbid it.
export default defineConfig({
  base: "./",
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
