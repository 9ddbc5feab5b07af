# make build && docker build -t initbox:dev .
#
# The binary is built by make, so that the image holds exactly what was tested.
FROM gcr.io/distroless/static-debian12:nonroot
COPY bin/initbox /initbox
# By number: runAsNonRoot cannot tell whether a name is root.
USER 65532:65532
ENTRYPOINT ["/initbox"]
