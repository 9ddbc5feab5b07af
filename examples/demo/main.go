// The demo shows how initbox holds back an application until its dependencies answer.
// It starts a database (a TCP port that opens late) and an API (an HTTP server
// that answers 503 at first), runs initbox with plan.yaml, which also migrates an
// embedded SQLite database, and then does what an application does first: it
// connects to both. Then the pod starts again, and initbox must find nothing to do.
// The demo fails unless initbox keeps its promises, so that it is a test as well.
//
//	go run ./examples/demo bin/initbox
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

const (
	planFile      = "examples/demo/plan.yaml"
	databaseAfter = 2 * time.Second
	apiAfter      = 4 * time.Second
	soon          = 2 * time.Second // generous, for a busy machine: initbox itself needs 0.1 s
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./examples/demo PATH-OF-INITBOX, or: make demo")
		os.Exit(2)
	}
	if err := demo(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo failed: %v\n", err)
		os.Exit(1)
	}
}

func demo(initbox string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stage := newStage(os.Stdout)
	db, err := startDatabase(stage, databaseAfter)
	if err != nil {
		return err
	}
	defer db.close()
	api, err := startAPI(stage, apiAfter)
	if err != nil {
		return err
	}
	defer api.close()
	if err := introduce(stage, db, api); err != nil {
		return err
	}

	data, err := os.MkdirTemp("", "initbox-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	env := []string{"TCP_ADDR=" + db.addr(), "HTTP_URL=" + api.url(), "DATA=" + data}
	message, err := prepare(ctx, stage, initbox, env)
	ended := time.Now()
	if err != nil {
		return err
	}
	stage.print("\n  the termination message, which kubectl describe pod shows:\n" + indent(message) + "\n")
	if err := application(ctx, stage, db.addr(), api.url()); err != nil {
		return fmt.Errorf("the application started too early: %w", err)
	}
	if err := judge(stage, ended, message, db, api); err != nil {
		return err
	}
	return restart(ctx, stage, initbox, env, message)
}

// restart runs initbox again, as a restarted pod does: on the same volume, it must
// find nothing to do.
func restart(ctx context.Context, stage *stage, initbox string, env []string, first string) error {
	stage.print("The pod starts again, with the same volume:\n")
	second, err := prepare(ctx, stage, initbox, env)
	if err != nil {
		return err
	}
	stage.print("\n  the termination message:\n" + indent(second))
	if !strings.Contains(first, "2 changes") || !strings.Contains(second, "0 changes") {
		return fmt.Errorf("the first run should make 2 changes and the second 0:\n%s\n%s", first, second)
	}
	return nil
}

func introduce(stage *stage, db *database, api *api) error {
	plan, err := os.ReadFile(planFile)
	if err != nil {
		return fmt.Errorf("%w: run the demo from the top folder, as make demo does", err)
	}
	stage.print(fmt.Sprintf(`An application needs a database and an API, and both start late:

  database  %s opens after %s
  api       %s answers 503, and 200 after %s

initbox run -f %s holds it back until they answer, and migrates the database
in its volume, a SQLite file:

%s
`, db.addr(), databaseAfter, api.url(), apiAfter, planFile, indent(string(plan))))
	return nil
}

// prepare runs initbox as an init container would and returns its termination message.
func prepare(ctx context.Context, stage *stage, initbox string, env []string) (string, error) {
	// initbox writes this file but never makes it: kubelet does, here we do.
	termination, err := os.CreateTemp("", "termination-log-")
	if err != nil {
		return "", err
	}
	defer os.Remove(termination.Name())
	defer termination.Close()

	cmd := exec.CommandContext(ctx, initbox, "run", "-f", planFile)
	cmd.Env = append(append(os.Environ(), env...), "INITBOX_TERMINATION_LOG="+termination.Name())
	log, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("%w: make build makes it", err)
	}
	stamp := regexp.MustCompile(`^time=\S+ `) // the stage shows the time already
	for lines := bufio.NewScanner(log); lines.Scan(); {
		stage.say("initbox", "%s", stamp.ReplaceAllString(lines.Text(), ""))
	}
	failure := cmd.Wait()
	message, err := io.ReadAll(termination)
	if failure != nil {
		return "", fmt.Errorf("initbox: %w; its termination message:\n%s", failure, message)
	}
	return string(message), err
}

// application does what an application does first, without a second try.
func application(ctx context.Context, stage *stage, addr, url string) error {
	stage.say("application", "starts")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	conn.Close()
	stage.say("application", "is connected to its database")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the API says %s", resp.Status)
	}
	stage.say("application", "its API says %s", resp.Status)
	return nil
}

// judge checks what initbox promises against what the servers saw.
func judge(stage *stage, ended time.Time, message string, db *database, api *api) error {
	var errs []error
	for _, server := range []struct {
		name  string
		ready time.Time
	}{{"database", db.ready()}, {"api", api.ready()}} {
		if server.ready.IsZero() || ended.Before(server.ready) {
			errs = append(errs, fmt.Errorf("initbox ended before the %s was ready", server.name))
		}
	}
	late := ended.Sub(api.ready())
	if late > soon {
		errs = append(errs, fmt.Errorf("initbox ended %s after the last server was ready, more than %s", late, soon))
	}
	if api.refusals() == 0 {
		errs = append(errs, errors.New("the API never got to answer 503: initbox did not ask it while it was starting"))
	}
	if !strings.HasPrefix(message, "run: done") {
		errs = append(errs, fmt.Errorf("the termination message does not begin with %q: %q", "run: done", message))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	stage.print(fmt.Sprintf("\ninitbox let the application go %s after the last of its dependencies was ready.\n", late.Round(time.Millisecond)))
	return nil
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}
