module github.com/initbox/initbox/e2e

go 1.26.0

require github.com/initbox/initbox v0.0.0

require (
	github.com/hanwen/go-fuse/v2 v2.12.1
	golang.org/x/sys v0.49.0 // indirect
)

require (
	go.yaml.in/yaml/v2 v2.4.2 // indirect
	golang.org/x/net v0.62.0 // indirect
	sigs.k8s.io/yaml v1.6.0 // indirect
)

replace github.com/initbox/initbox => ../
