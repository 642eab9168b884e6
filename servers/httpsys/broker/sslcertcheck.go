package broker

import "errors"

// Unusable is a bound certificate that cannot be read. Clients get what they would get without it.
type Unusable struct {
	Port uint16            // of the binding
	Err  *CertificateError // says which one, and why
}

// Unusable reads the certificates of all bindings, and gives those that fail. It is for people: the broker says it only to its log.
func (s *Store) Unusable() (all []Unusable) {
	for _, b := range s.get().certs {
		_, err := s.load(b)
		if wrong, ok := errors.AsType[*CertificateError](err); ok {
			all = append(all, Unusable{b.addr.Port(), wrong})
		}
	}
	return all
}
