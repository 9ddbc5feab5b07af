// Package chown is the task chown: give files and directories the owner and the
// mode that they shall have, and touch nothing that has them already.
//
// It works from directory descriptors alone. Every entry is looked at in the
// open directory that holds it, and one that must change is held by a descriptor
// between the look and the change, so that whoever renames things meanwhile
// cannot turn the change elsewhere. The root of each path is changed last and
// only after no error: its owner tells whether the tree is done.
package chown
