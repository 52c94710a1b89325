package fcm

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
)

// account is what is read of a service account's file.
type account struct {
	Type    string `json:"type"`
	Project string `json:"project_id"`
	Email   string `json:"client_email"`
	Key     string `json:"private_key"`
}

// readAccount reads a service account: the setting is the path of its JSON file, or that JSON itself. No error
// repeats any of the setting or the file, which may be the private key.
func readAccount(setting string) (text []byte, a account, err error) {
	text = []byte(strings.TrimSpace(setting))
	if len(text) == 0 || text[0] != '{' {
		if text, err = os.ReadFile(setting); err != nil {
			return nil, a, errors.New("the setting is neither the path of a file that can be read nor a service account's " +
				"JSON: " + reason(err))
		}
	}
	if json.Unmarshal(text, &a) != nil {
		return nil, a, errors.New("this is not a service account's JSON: download it anew from the Firebase console")
	}
	switch {
	case a.Type != "service_account":
		return nil, a, errors.New("these are not the credentials of a service account: make a key for one in the Firebase " +
			"console")
	case a.Project == "" || a.Email == "":
		return nil, a, errors.New("the service account lacks its project_id or client_email: download it anew")
	}
	return text, a, canSign(a.Key)
}

// reason is why a file cannot be read, without its name.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return "it cannot be read"
}

// canSign refuses a private key by which no token can be signed.
func canSign(text string) error {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		if strings.Contains(text, `\n`) {
			return errors.New("the private key cannot sign: its line ends are written as the two characters \\n; they " +
				"were escaped twice, so take the file as it was downloaded")
		}
		return errors.New("the private key cannot sign: it is not in PEM; take the file as it was downloaded")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if err != nil {
		return errors.New("the private key cannot sign: it is damaged; take the file as it was downloaded")
	}
	signer, ok := key.(*rsa.PrivateKey)
	if !ok {
		return errors.New("the private key cannot sign: it is not an RSA key, as service accounts have")
	}
	digest := sha256.Sum256(nil)
	if _, err := rsa.SignPKCS1v15(rand.Reader, signer, crypto.SHA256, digest[:]); err != nil {
		return errors.New("the private key cannot sign: it is too short or damaged; make a new key in the Firebase console")
	}
	return nil
}
