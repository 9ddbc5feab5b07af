// Package chown is the task chown: give files and directories the owner and the
// mode that they shall have, and touch nothing that has them already.
//
// It works from directory descriptors alone. Every entry is looked at and changed
// in the open directory that holds it, never through a link, so that whoever
// renames things meanwhile cannot turn the change elsewhere. One of which more
// counts than its name, for the sake of its mode, its other names or its special
// bits, is held by a descriptor between the look and the change. The root of each
// path is changed last and only after no error: its owner tells whether the tree
// is done.
package chown
