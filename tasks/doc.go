// Package tasks is the contract between initbox and its tasks.
//
// A task prepares a pod before its main containers start. A [Spec], which is
// plain data, describes the task: the subcommand, the key in a run-file, the help,
// the README and the JSON Schema all derive from it. One configured run is a
// [Task]. Its exported fields are its configuration, so other programs can use a
// task as a library, without flags. [Env] is what a Task may use of the outside
// world.
//
// Every task keeps four promises, and the conformance test checks them for every
// Spec:
//
//   - bounded: Run returns soon after its context is done;
//   - idempotent: a second Run makes no change, which [Env.Changes] proves;
//   - least-privileged: it asks for nothing that the change at hand does not need;
//   - it explains itself: errors name the target, the cause and the next step ([Error]).
package tasks
