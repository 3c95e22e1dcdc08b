import path from "node:path";
import type { NextConfig } from "next";

const HEADERS = [
  { key: "Permissions-Policy", value: "microphone=(self)" },
  { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "X-Frame-Options", value: "DENY" },
];

const config: NextConfig = {
  poweredByHeader: false,
  // This folder, whatever lock files lie above it.
  turbopack: { root: path.resolve(import.meta.dirname) },
  headers: async () => [{ source: "/:path*", headers: HEADERS }],
};

export default config;
