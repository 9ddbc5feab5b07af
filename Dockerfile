# make image
#
# The binary is built by make, so that the image holds exactly what was tested.
FROM gcr.io/distroless/static-debian13:nonroot

# BuildKit sets it by itself; the classic builder does not.
ARG TARGETARCH
COPY bin/linux-${TARGETARCH}/initbox bin/linux-${TARGETARCH}/LICENSE bin/linux-${TARGETARCH}/NOTICE /
# By number: runAsNonRoot cannot tell whether a name is root.
USER 65532:65532
ENTRYPOINT ["/initbox"]

ARG VERSION=devel
ARG COMMIT=unknown
# The time of the commit: with the time of the build, each build of a commit would be another image.
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="initbox" \
      org.opencontainers.image.description="Prepares a pod before its main containers start: waits, copies, owns, migrates, verifies." \
      org.opencontainers.image.source="https://github.com/initbox/initbox" \
      org.opencontainers.image.base.name="gcr.io/distroless/static-debian13:nonroot" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.created="${CREATED}"
