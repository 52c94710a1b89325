package seal

import (
	"errors"
	"fmt"

	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// ErrNotOpened is the error of a sealed file that this key does not open.
var ErrNotOpened = errors.New("seal: the file was altered, or sealed under another key-encryption key")

// SealFile seals the content of a small file, such as a key that signs, so that it can be kept in a backup. name is
// bound to it.
func (k KEK) SealFile(name string, content []byte) ([]byte, error) {
	a, err := k.files()
	if err != nil {
		return nil, err
	}
	return a.Encrypt(content, []byte(name))
}

// OpenFile opens what SealFile sealed under the same name. ErrNotOpened.
func (k KEK) OpenFile(name string, sealed []byte) ([]byte, error) {
	a, err := k.files()
	if err != nil {
		return nil, err
	}
	content, err := a.Decrypt(sealed, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, ErrNotOpened)
	}
	return content, nil
}

func (k KEK) files() (*aeadsubtle.XChaCha20Poly1305, error) {
	key, err := k.derive("files")
	if err != nil {
		return nil, err
	}
	return aeadsubtle.NewXChaCha20Poly1305(key)
}
