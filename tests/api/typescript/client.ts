// A program of a client: it changes one field of a webchat, and creates another webchat.
//
// Usage: node client.js ADDRESS TOKEN WEBCHAT PROMPT. It prints the names that the document has
// afterwards. The compiler checks what the types of the OpenAPI document promise.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[] };

type Webchat = components["schemas"]["Webchat"];

const [address, token, id, promptId] = process.argv.slice(2) as [string, string, string, string];
const client = createClient<paths>({
  baseUrl: address,
  headers: { Authorization: `Bearer ${token}` },
});

const read = await client.GET("/api/webchats/{id}", { params: { path: { id } } });
if (!read.data) throw new Error(JSON.stringify(read.error));
const before: Webchat = read.data.data;
// Without ``| undefined``: every response has every field.
const offset: number = before.offsetX;
const position: "bottom-right" | "bottom-left" | "top-right" | "top-left" = before.position;
const description: string = before.description;
const icon: string | null = before.icon;

const etag = read.response.headers.get("ETag") ?? "";
const updated = await client.PUT("/api/webchats/{id}", {
  params: { path: { id }, header: { "If-Match": etag } },
  body: { offsetX: offset + 1 },
});
if (!updated.data) throw new Error(JSON.stringify(updated.error));
const after: Webchat = updated.data.data;

const outdated = await client.PUT("/api/webchats/{id}", {
  params: { path: { id }, header: { "If-Match": etag } },
  body: { offsetX: 0 },
});

// The required fields are enough.
const created = await client.POST("/api/webchats", {
  body: {
    name: `${description} ${position} ${icon ?? ""}`.slice(0, 100),
    backgroundColor: "#FFFFFF",
    primaryColor: "#1F2937",
    secondaryColor: "#3B82F6",
    promptId,
    allowedDomains: [],
    initialStage: "new",
  },
});
if (!created.data) throw new Error(JSON.stringify(created.error));

console.log(
  JSON.stringify({
    before,
    after,
    outdated: outdated.error?.code,
    created: created.data.data,
    ignored: updated.data.ignored ?? [],
  }),
);
