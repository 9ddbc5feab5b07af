module github.com/initbox/initbox/e2e

go 1.26.0

require github.com/initbox/initbox v0.0.0

replace github.com/initbox/initbox => ../
