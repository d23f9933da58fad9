package sandbox

import "fmt"

// Break does to the running sandbox what the scenario of this name would have
// begun with: for what comes about after somebody has signed in. It is for
// scenarios of the tenant and its servers; those of the network, of certificates
// and clocks, of other providers and of what somebody copied wrongly are there
// from the start only, which is the error. What is broken already stays so.
func (s *Sandbox) Break(name string) error {
	c, err := findScenario(name)
	if err != nil {
		return err
	}
	if c.provider != s.tenant.Provider || c.network != (network{}) || c.certificate != sound || c.clock != 0 || c.copied != nil ||
		c.granted != nil || c.exhausted || c.federated != "" || c.tenant == nil && c.exchange == nil && c.faults == (tokenFaults{}) && c.graph == (GraphFault{}) {
		return fmt.Errorf("the scenario %s cannot come about in a running sandbox: start one with it", c.Name)
	}
	if c.tenant != nil {
		s.tenant.Change(c.tenant)
	}
	if c.exchange != nil {
		s.exchange.change(c.exchange)
	}
	if c.faults != (tokenFaults{}) {
		s.entra.mend(func(f *tokenFaults) { *f = c.faults })
	}
	if c.graph != (GraphFault{}) {
		s.graphFaults.Add(c.graph)
	}
	return nil
}
