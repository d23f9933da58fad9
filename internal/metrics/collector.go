package metrics

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"traymail/internal/mailer"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("traymail_"+name, help, labels, nil)
}

var (
	queueMessages  = desc("queue_messages", "Messages in the queue.", "account", "state")
	queueBytes     = desc("queue_bytes", "Size of the messages in the queue.", "account")
	queueOldestAge = desc("queue_oldest_age_seconds", "Age of the oldest message in the queue, 0 when it is empty.", "account")
	delivered      = desc("recipients_delivered_total", "Recipients delivered to since the program started.", "account")
	refused        = desc("recipients_refused_total", "Recipients refused for good since the program started.", "account")
	attempts       = desc("attempts_total", "Attempts at delivery since the program started, by the server's reply.", "account", "reply")
	accountState   = desc("account_state", "1 for the state the account is in: ready, paused (goes on by itself) or attention (waits for a person).", "account", "state")
	tokenExpiry    = desc("token_expiry_timestamp_seconds", "When the access token in use expires; a new one is fetched by itself.", "account")
	secretExpiry   = desc("secret_expiry_timestamp_seconds", "When the account's client secret or certificate expires.", "account")
	alert          = desc("alert", "1 for each alert that the account has.", "account", "alert", "severity")
	alertDue       = desc("alert_due_timestamp_seconds", "When what the alert is about breaks.", "account", "alert")
	sessions       = desc("smtp_sessions", "SMTP sessions open now.", "account")
	roundTrips     = desc("smtp_round_trips_total", "Waits for the server's answer since the program started.", "account")
	relayMessages  = desc("relay_messages_total", "Messages taken from a client since the program started.", "client")
	relayRefused   = desc("relay_refused_total", "Messages refused to a client since the program started.", "client")
	relayLastSeen  = desc("relay_client_last_seen_timestamp_seconds", "When the client was last seen.", "client")
	configProblem  = desc("config_problem", "1 when the configuration in the files is not in force.")
	buildInfo      = desc("build_info", "1, with the program's version.", "version")
)

// collector turns one snapshot a scrape into metrics, so that they agree.
type collector struct {
	status func() (mailer.Status, error)
	now    func() time.Time
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		queueMessages, queueBytes, queueOldestAge, delivered, refused, attempts, accountState, tokenExpiry, secretExpiry, alert, alertDue,
		sessions, roundTrips, relayMessages, relayRefused, relayLastSeen, configProblem, buildInfo,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s, err := c.status()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(configProblem, fmt.Errorf("the status cannot be read: %w", err))
		return
	}
	to := sink{ch}
	to.gauge(buildInfo, 1, s.Version)
	to.gauge(configProblem, oneIf(s.Problem != ""))
	for _, a := range s.Accounts {
		c.account(to, a)
	}
	for _, client := range s.Clients {
		to.counter(relayMessages, client.Messages, client.Name)
		to.counter(relayRefused, client.Refused, client.Name)
		to.time(relayLastSeen, client.LastSeen, client.Name)
	}
}

func (c *collector) account(to sink, a mailer.AccountStatus) {
	for _, n := range []struct {
		state string
		count int
	}{{"waiting", a.Waiting}, {"sending", a.Sending}, {"held", a.Held}} {
		to.gauge(queueMessages, float64(n.count), a.Name, n.state)
	}
	to.gauge(queueBytes, float64(a.Bytes), a.Name)
	age := time.Duration(0)
	if !a.Oldest.IsZero() {
		age = max(0, c.now().Sub(a.Oldest))
	}
	to.gauge(queueOldestAge, age.Seconds(), a.Name)
	to.counter(delivered, a.Delivered, a.Name)
	to.counter(refused, a.Refused, a.Name)
	for reply, n := range a.Replies {
		to.counter(attempts, n, a.Name, reply)
	}
	for _, state := range []mailer.AccountState{mailer.Ready, mailer.Paused, mailer.Attention} {
		to.gauge(accountState, oneIf(a.State == state), a.Name, string(state))
	}
	to.time(tokenExpiry, a.TokenExpires, a.Name)
	to.time(secretExpiry, a.SecretExpires, a.Name)
	for _, l := range a.Alerts {
		to.gauge(alert, 1, a.Name, l.ID, string(l.Severity))
		to.time(alertDue, l.Due, a.Name, l.ID)
	}
	to.gauge(sessions, float64(a.Sessions), a.Name)
	to.counter(roundTrips, a.RoundTrips, a.Name)
}

// sink writes metrics. A label that is no UTF-8 would spoil the whole scrape.
type sink struct{ ch chan<- prometheus.Metric }

func (s sink) put(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels []string) {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
	}
	s.ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
}

func (s sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.put(d, prometheus.GaugeValue, v, labels)
}

func (s sink) counter(d *prometheus.Desc, v int64, labels ...string) {
	s.put(d, prometheus.CounterValue, float64(v), labels)
}

// time writes a point in time, and nothing while it is not known.
func (s sink) time(d *prometheus.Desc, t time.Time, labels ...string) {
	if !t.IsZero() {
		s.gauge(d, float64(t.UnixMilli())/1000, labels...)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
