package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/connect"
	"github.com/highway-engine/highway/cmd/highway/internal/serve"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/internal/environment"
)

// The variables with the tokens. On the command line others could see them.
const (
	readToken = "HW_DASHBOARD_READ_TOKEN"
	actToken  = "HW_DASHBOARD_ACT_TOKEN"
)

const dashboardHelp = `Serves a page with all breakers of the fleet, live, until Ctrl-C: their states,
what they go by, what each instance says, their history, and buttons that give
orders to the whole fleet.

It listens on this machine alone unless --listen says otherwise, and prints
where. The link has a token, after the # that no server and no log sees: whoever
has it may look, or with the second one also act. HW_DASHBOARD_READ_TOKEN and
HW_DASHBOARD_ACT_TOKEN, in the environment or in .env, are tokens of yours, of
at least 16 bytes, and are not printed. With --read-only nobody may act.

An address that others can reach needs --tls-cert and --tls-key, or tokens of
yours; without TLS there must then be something before it that has it.

On this machine alone it answers to no other name, with 421. A proxy before it
that passes on the name that it is reached by needs --public-host with it.`

func dashboardCommand() *cobra.Command {
	var at connect.Flags
	var options serve.Options
	var readOnly bool
	var every time.Duration
	command := &cobra.Command{
		Use:     "dashboard",
		GroupID: groupSee,
		Short:   "Serve a page that shows them live, with buttons",
		Long:    dashboardHelp,
		Example: `  highway dashboard
  highway dashboard --read-only
  highway dashboard --listen :8443 --tls-cert cert.pem --tls-key key.pem`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			tokens, err := tokensFor(readOnly)
			if err != nil {
				return failure{err}
			}
			if err := options.Check(tokens.given); err != nil {
				return err
			}
			ledger, end, err := at.Open(c.Context())
			if err != nil {
				return err
			}
			defer end()
			d, err := dashboard.New(dashboard.Config{Ledger: ledger, Access: dashboard.Tokens(tokens.read, tokens.act), Every: every, Hosts: options.Hosts()})
			if err != nil {
				return err
			}
			return serveDashboard(c.Context(), c.OutOrStdout(), d, options, tokens.say)
		},
	}
	at.Register(command)
	flags := command.Flags()
	flags.StringVar(&options.Listen, "listen", "127.0.0.1:0", "`address` and port")
	flags.StringVar(&options.Certificate, "tls-cert", "", "`file` with a certificate")
	flags.StringVar(&options.Key, "tls-key", "", "`file` with its key")
	flags.StringSliceVar(&options.Names, "public-host", nil, "`name` that a proxy before it is reached by")
	flags.BoolVar(&readOnly, "read-only", false, "nobody may act")
	flags.DurationVar(&every, "every", time.Second, "how `often` to look, 100ms to 1m")
	_ = flags.MarkHidden("timeout") // the page waits by itself
	return command
}

// serveDashboard serves until ctx ends, and says where.
func serveDashboard(ctx context.Context, out io.Writer, d *dashboard.Dashboard, options serve.Options, say func(at string) string) error {
	server, err := serve.Listen(options, d)
	if err != nil {
		_ = d.Close()
		return failure{err}
	}
	// Browsers that listen would otherwise be waited for.
	stop := context.AfterFunc(ctx, func() { _ = d.Close() })
	defer func() {
		stop()
		_ = d.Close()
	}()
	if _, err := io.WriteString(out, say(server.URL())); err != nil {
		return failure{err}
	}
	if err := server.Run(ctx); err != nil {
		return failure{err}
	}
	return nil
}

// tokens are what a page is opened with.
type tokens struct {
	read, act string
	given     bool // by whoever started the command, who knows them
}

// tokensFor takes those of the environment, or makes some.
func tokensFor(readOnly bool) (tokens, error) {
	variables, err := environment.Read()
	if err != nil {
		return tokens{}, err
	}
	t := tokens{read: variables[readToken], act: variables[actToken]}
	if readOnly {
		t.act = ""
	}
	if t.given = t.read != "" || t.act != ""; t.given {
		if t.read == "" { // nobody may only look
			t.read = rand.Text()
		}
		return t, nil
	}
	t.read = rand.Text()
	if !readOnly {
		t.act = rand.Text()
	}
	return t, nil
}

// say is where the page is, and with what it is opened.
func (t tokens) say(at string) string {
	if t.given {
		return fmt.Sprintf("The dashboard is at %s\n", at)
	}
	link := func(token string) string {
		return at + "#" + url.Values{"token": {token}, "name": {whoami()}}.Encode()
	}
	text := fmt.Sprintf("To look:         %s\n", link(t.read))
	if t.act != "" {
		text += fmt.Sprintf("To look and act: %s\n", link(t.act))
	}
	return text + "Ctrl-C ends it.\n"
}
