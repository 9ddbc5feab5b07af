// Package copyconfig is the task copy-config: copy configuration files into a
// volume, whole or not at all, and render them on the way.
//
// A run has these parts, one file each:
//
//	settings.go  the flags, parsed
//	gather.go    what the sources hold, as the tree that the destination shall have
//	load.go      contents that must be in memory before the first write
//	target.go    the destination, opened and locked
//	place.go     the walk over the destination
//	file.go      one file: compare, write, rename
//	manifest.go  what earlier runs wrote, for --prune
//	version.go   --atomic-dir: all files at once, behind one link
package copyconfig
