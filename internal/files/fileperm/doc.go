// Package fileperm reads owners and modes as chown(1) and chmod(1) write them,
// and says what they mean for one file. Parsing does no I/O; names of users and
// groups are looked up later, in the passwd and group files of the image, which
// a distroless image may not have.
package fileperm
