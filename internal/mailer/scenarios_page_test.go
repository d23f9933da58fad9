package mailer

import "testing"

func comparePage(t *testing.T, said []findings) {}
