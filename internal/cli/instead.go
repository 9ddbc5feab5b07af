package cli

import (
	"path"
	"slices"
	"strings"

	"github.com/initbox/initbox/tasks"
)

// An Instead names the task that does what a program, or a task of another tool, does.
type Instead struct {
	Of     string // names that people try, separated by blanks
	Task   string // the tasks to use instead, separated by blanks; "" for none
	Advice string // which part of the task to use, and what no task does
}

// Insteads are the answers to names that people try but that are no tasks. A test
// of the list of tasks checks that the tasks and flags in them exist.
func Insteads() []Instead {
	const tcp = "it waits until HOST:PORT accepts connections"
	return []Instead{
		{"mkdir", "chown", "--mkdir makes a directory that is missing, and its parents"},
		{"chmod", "chown", "--file-mode and --dir-mode set modes, octal or symbolic"},
		{"chgrp", "chown", "the owner :GID sets the group alone"},
		{"cp rsync cat tee", "copy-config", "it copies files and directories, whole or not at all"},
		{"mv", "copy-config", "it copies, and leaves the source as it is"},
		{"ln", "copy-config", "it copies the file to where the link would stand; --atomic-dir changes all files at once"},
		{"rm rmdir", "copy-config", "--prune removes what an earlier copy wrote and its source no longer has; nothing else is removed"},
		{"touch", "copy-config", "--if-absent writes a file that is not there yet, from a ConfigMap or the image"},
		{"envsubst", "copy-config", "--render=env fills in ${NAME}"},
		{"sed awk yq gomplate confd consul-template", "copy-config", "--render=template fills in files while it copies them, --render=env only ${NAME}"},
		{"tar unzip gunzip gzip", "copy-config", "it copies the files of an image or a ConfigMap; nothing here unpacks archives"},
		{"sleep wait until while", "wait-tcp wait-http wait-db", "each ends when what it waits for is there"},
		{"curl wget http wait-url", "wait-http", "it waits until a URL answers as expected; it does not download"},
		{"nc ncat netcat telnet socat ping tcp wait-for wait-for-it wait-port", "wait-tcp", tcp},
		{"dockerize wait4x", "wait-tcp wait-http wait-db", "each waits for all that it is given; run does several tasks, one after the other"},
		{"nslookup dig host getent wait-dns", "wait-tcp", "it waits until a name resolves and its port accepts connections"},
		{"redis-cli valkey-cli mongosh mongo rabbitmqctl wait-redis wait-mongodb wait-rabbitmq wait-kafka wait-elasticsearch", "wait-tcp", tcp},
		{"pg_isready mysqladmin mariadb-admin wait-mysql wait-mariadb wait-postgres wait-postgresql", "wait-db", "it waits until the database takes logins, or with --query until a query returns a row"},
		{"psql mysql mariadb sqlite3", "migrate wait-db", "migrate runs SQL files, wait-db --query waits until a query returns a row"},
		{"flyway liquibase goose dbmate atlas golang-migrate alembic", "migrate", "it applies SQL files that have the names of golang-migrate, as 1_title.up.sql"},
		{"openssl certtool step", "verify-cert", "it checks certificates, keys and chains, also those of a server (--remote); it makes none"},
		{"keytool", "verify-cert", "it checks JKS and PKCS#12 files (--keystore, --truststore); it makes none"},
		{"kubectl helm wait-job wait-k8s k8s-wait-for", "wait-db wait-http", "nothing here talks to the API server; wait-db --source waits until a Job has migrated, wait-http for a Service that answers"},
		{"git aws gsutil s3cmd", "copy-config", "it copies the files of an image or a ConfigMap; nothing here downloads"},
		{"sysctl", "", "no task sets kernel parameters: the pod's securityContext.sysctls does"},
		{"sh bash ash dash zsh busybox env exec if for sudo gosu", "run", "it carries out several tasks, one after the other; the image has no shell and no other program"},
		{"true false echo printf date id", "", "every task does something: leave the container out, or give a task --dry-run to see what it would do"},
		{"initbox", "", "the image starts initbox itself: the container's args begin with the task"},
		{"run", "", "a plan holds no other plan: write the steps of both into one"},
	}
}

// findTask returns the task called name. If there is none, the error suggests what
// to use instead: a task, or one of the commands in more.
func findTask(specs []tasks.Spec, name string, more ...string) (tasks.Spec, error) {
	var known []string
	for _, s := range specs {
		if s.Name == name {
			return s, nil
		}
		known = append(known, s.Name)
	}
	return tasks.Spec{}, unknownTask(name, append(known, more...))
}

// unknownTask returns the error for a name that is not among known.
func unknownTask(name string, known []string) error {
	words := strings.Fields(name)
	if len(words) == 0 {
		return tasks.Usagef("unknown task %q: initbox help lists the tasks", name)
	}
	if len(words) > 1 && slices.Contains(known, words[0]) {
		return tasks.Usagef(`%q and what follows it are one argument: give each word one of its own, as in args: [wait-tcp, "postgres:5432"]`, words[0])
	}
	program := strings.TrimSuffix(path.Base(strings.ToLower(words[0])), ".sh")
	for _, i := range Insteads() {
		switch {
		case !slices.Contains(strings.Fields(i.Of), program):
		case i.Task == "":
			return tasks.Usagef("unknown task %q: %s", words[0], i.Advice)
		default:
			return tasks.Usagef("unknown task %q: use %s: %s", words[0], strings.Join(strings.Fields(i.Task), " or "), i.Advice)
		}
	}
	if near := nearest(program, known); near != "" {
		return tasks.Usagef("unknown task %q: did you mean %s?", words[0], near)
	}
	return tasks.Usagef("unknown task %q: initbox help lists the tasks", words[0])
}
