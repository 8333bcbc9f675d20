import { createHash } from "node:crypto";

import type { CodegenConfig } from "@graphql-codegen/cli";
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";

/** Without the prefix that the preset gives its hashes: Apollo's clients and servers do without. */
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: ["src/**/*.ts"],
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: sha256 } },
      documentTransforms: [addTypenameSelectionDocumentTransform],
      config: {
        strictScalars: true,
        scalars: { DateTime: "string", EmailAddress: "string", URL: "string" },
        importExtension: ".ts",
        useTypeImports: true,
      },
    },
  },
};

export default config;
