import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  // Elsewhere: a copy of schema.graphql, which `flowmatix-graphql schema` prints.
  schema: "../../schema.graphql",
  documents: ["src/**/*.{ts,tsx}"],
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
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
