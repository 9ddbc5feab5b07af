package waithttp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/tasks"
)

// readCredentials reads the files of --bearer-token-file and --basic-auth-file.
func (c *client) readCredentials(files *mount.Reader) error {
	var given []string
	if c.header.Get("Authorization") != "" {
		given = append(given, "the Authorization header of --header or --header-file")
	}
	var err error
	if c.task.BearerTokenFile != "" {
		given = append(given, "--bearer-token-file")
		c.token, err = c.readToken(files)
	}
	if path := c.task.BasicAuthFile; path != "" {
		given = append(given, "--basic-auth-file")
		err = c.readBasicAuth(files, path)
	}
	if len(given) > 1 {
		return fmt.Errorf("%s exclude each other: a request has one Authorization header", strings.Join(given, " and "))
	}
	return err
}

func (c *client) readBasicAuth(files *mount.Reader, path string) error {
	line, err := readLine(files, "basic-auth-file", path)
	if err != nil {
		return err
	}
	user, password, ok := strings.Cut(line, ":")
	if !ok {
		c.secrets.Add(line)
		return mount.BadFlag("basic-auth-file", path, "it has no colon: write USER:PASSWORD")
	}
	c.header.Set("Authorization", c.basicAuth(user, password))
	return nil
}

// basicAuth returns the value of the Authorization header.
func (c *client) basicAuth(user, password string) string {
	encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	c.secrets.Add(password)
	c.secrets.Add(encoded)
	return "Basic " + encoded
}

// addSecretField hides the value of a header and, if it begins with the name of an
// authentication scheme, the credentials after that name.
func (c *client) addSecretField(f field) {
	c.secrets.Add(f.value)
	if scheme, credentials, ok := strings.Cut(f.value, " "); ok && httpguts.ValidHeaderFieldName(scheme) {
		c.secrets.Add(credentials)
	}
}

// addUser hides the password of a URL: as it is, as the URL contains it, and as it
// is sent.
func (c *client) addUser(u *url.Userinfo) {
	password, ok := u.Password()
	if !ok {
		c.secrets.Add(u.Username()) // some tokens are sent as the user
	}
	c.basicAuth(u.Username(), password)
	_, escaped, _ := strings.Cut(u.String(), ":")
	c.secrets.Add(escaped)
}

// proxyFor checks that the proxy for the target, if there is one, is usable, and
// hides its password.
func (c *client) proxyFor(t target, env *tasks.Env) error {
	if !c.task.ProxyFromEnv || t.address.Network == "unix" {
		return nil
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: t.url})
	if err != nil || proxy != nil && (strings.HasSuffix(proxy.Host, ":") || strings.Trim(proxy.Path, "/") != "") {
		return errors.New("--proxy-from-env: the URL of the proxy in HTTP_PROXY or HTTPS_PROXY is malformed: write http://HOST:PORT")
	}
	if proxy == nil {
		return nil
	}
	if proxy.User != nil {
		c.addUser(proxy.User)
	}
	env.Log.Info("asking through a proxy", "target", t.name, "proxy", proxy.Scheme+"://"+proxy.Host)
	return nil
}

// currentToken returns the token that --bearer-token-file has now: it is replaced
// from time to time.
func (c *client) currentToken(ctx context.Context) (token string, err error) {
	err = mount.OneVersion(ctx, func(files *mount.Reader) error {
		token, err = c.readToken(files)
		return err
	})
	return token, err
}

func (c *client) readToken(files *mount.Reader) (string, error) {
	token, err := readLine(files, "bearer-token-file", c.task.BearerTokenFile)
	c.secrets.Add(token)
	return token, err
}

// readLine returns the content of the file without white space around it, such as
// the line break that editors and echo leave at the end. The content must be fit
// for a header.
func readLine(files *mount.Reader, flag, path string) (string, error) {
	data, err := files.Flag(flag, path)
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(data))
	switch {
	case line == "":
		return "", mount.BadFlag(flag, path, "it is empty")
	case !httpguts.ValidHeaderFieldValue(line):
		return "", mount.BadFlag(flag, path, "it holds more than one line, or a control character")
	}
	return line, nil
}
