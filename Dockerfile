# Images are named by tag here, which Dependabot moves; a release takes them by digest (tests/release/bases.py).

# The explorer's bundle, from its npm package through the lock file.
FROM node:22-bookworm-slim AS explorer
WORKDIR /explorer
COPY explorer/package.json explorer/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY explorer/ ./
RUN npm run build

# The binary. The dependencies are a layer of their own, built again only when the lock file changes.
FROM rust:1.95-bookworm AS build
WORKDIR /build
RUN cargo install --locked cargo-auditable@0.7.7
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/it \
    && echo '//! Nothing yet.' > src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cp src/main.rs tests/it/main.rs \
    && cargo build --release --locked \
    && rm -rf src tests target/release/flowmatix-graphql target/release/deps/*flowmatix* \
        target/release/.fingerprint/flowmatix*
COPY build.rs ./
COPY src src
COPY tests/it/main.rs tests/it/main.rs
COPY --from=explorer /explorer/dist explorer/dist
# What `--version` and the metrics say: the context has no git folder.
ARG FLOWMATIX_COMMIT=
# With the list of the dependencies in the binary, which scanners of images read.
RUN cargo auditable build --release --locked

# What runs: CA certificates, the C library and the binary; no shell, no root, and nothing is written.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="flowmatix-graphql" \
      org.opencontainers.image.description="A GraphQL service layer in front of the Flowmatix team-members endpoint" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /build/target/release/flowmatix-graphql /usr/local/bin/flowmatix-graphql
# The admin port stays on the container's own loopback address, where the health check asks it.
ENV FLOWMATIX_HTTP_LISTEN=0.0.0.0:8080 \
    FLOWMATIX_LOG_FORMAT=json
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/local/bin/flowmatix-graphql", "health"]
ENTRYPOINT ["/usr/local/bin/flowmatix-graphql"]
CMD ["serve"]
