// Package tasks is the contract between initbox and its tasks.
//
// A task prepares a pod before its main containers start. It is described by a
// [Spec], which is plain data: the subcommand, the key in a run-file, the help,
// the README and the JSON Schema all derive from it. One configured run of it is
// a [Task], whose exported fields are its configuration, so that a task can be
// used as a library without any flags. [Env] is what a Task may use of the world.
//
// Every task keeps four promises, and the conformance test holds every Spec to them:
//
//   - bounded: Run returns soon after its context is done;
//   - idempotent: a second Run makes no change, which [Env.Changes] proves;
//   - least-privileged: it asks for nothing that the change at hand does not need;
//   - it explains itself: errors name the target, the cause and the next step ([Error]).
package tasks
