package seal

import (
	"errors"
	"fmt"
)

// ErrSecret says that a secret was not sealed by this vault for this purpose, or was changed since.
var ErrSecret = errors.New("seal: a sealed secret cannot be opened")

// SealSecret seals a secret that belongs to no debtor, such as a user's, under the key-encryption key. purpose says
// what it is and whose; OpenSecret takes it back for the same purpose alone.
func (v *Vault) SealSecret(purpose string, plain []byte) ([]byte, error) {
	sealed, err := v.wrap.Encrypt(plain, secretPlace(purpose))
	if err != nil {
		return nil, fmt.Errorf("seal a secret: %w", err)
	}
	return sealed, nil
}

// OpenSecret opens what SealSecret has sealed; ErrSecret.
func (v *Vault) OpenSecret(purpose string, sealed []byte) ([]byte, error) {
	plain, err := v.wrap.Decrypt(sealed, secretPlace(purpose))
	if err != nil {
		return nil, ErrSecret
	}
	return plain, nil
}

// secretPlace differs from the places of debtors' keys, whose ids are hexadecimal.
func secretPlace(purpose string) []byte { return []byte("secret\x00" + purpose) }
