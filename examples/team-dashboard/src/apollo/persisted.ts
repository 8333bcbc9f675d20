// Queries by their hash: the text goes over the wire once for all clients.

import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const persistedQueries = (options: { useGETForHashedQueries?: boolean } = {}) => new PersistedQueryLink({ sha256, ...options });
