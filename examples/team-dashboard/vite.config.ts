import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

/** What the page may load. Have your web server send the same. */
const policy = (elsewhere: string) =>
  `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'${elsewhere}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

export default defineConfig(({ mode }) => {
  const { SERVICE_URL = "http://127.0.0.1:8080", VITE_GRAPHQL_URL } = loadEnv(mode, ".", ["SERVICE_URL", "VITE_"]);
  // One origin for page and service, as behind a reverse proxy: no CORS, and nothing to configure at the service.
  const proxy = { "/graphql": { target: SERVICE_URL, changeOrigin: true } };
  const elsewhere = VITE_GRAPHQL_URL ? ` ${new URL(VITE_GRAPHQL_URL).origin}` : "";
  return {
    plugins: [react()],
    server: { proxy },
    preview: { proxy, headers: { "content-security-policy": policy(elsewhere), "referrer-policy": "no-referrer" } },
  };
});
