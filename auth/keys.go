package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"doorstep/auth/keyfile"

	"github.com/MicahParks/jwkset"
)

// Keys signs access tokens and makes refresh tokens. All nodes of a deployment share them.
type Keys struct {
	sign    *ecdsa.PrivateKey
	refresh []byte
	kid     string
	jwks    json.RawMessage
}

// keyFile is what a key file holds.
type keyFile struct {
	Sign    string `json:"sign"`    // PEM, PKCS 8, P-256
	Refresh []byte `json:"refresh"` // 32 bytes
}

// LoadOrCreateKeys reads the keys from a file, and makes it on first start, readable by its owner only.
func LoadOrCreateKeys(path string) (*Keys, error) {
	k, err := LoadKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	data, err := createKeys()
	if err != nil {
		return nil, fmt.Errorf("make token keys: %w", err)
	}
	if err := keyfile.Create(path, data); err != nil {
		return nil, fmt.Errorf("keep token keys: %w", err)
	}
	return parseKeys(data)
}

// LoadKeys reads the keys from a file. fs.ErrNotExist: there is none.
func LoadKeys(path string) (*Keys, error) {
	data, err := keyfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read token keys: %w", err)
	}
	k, err := parseKeys(data)
	if err != nil {
		return nil, fmt.Errorf("token key file %s is damaged; restore it from a backup: %w", filepath.Base(path), err)
	}
	return k, nil
}

// Fingerprint tells these keys from others, and nothing about them.
func (k *Keys) Fingerprint() string {
	sum := sha256.Sum256(append([]byte(k.kid), k.refresh...))
	return hex.EncodeToString(sum[:8])
}

func createKeys() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	refresh := make([]byte, 32)
	if _, err := rand.Read(refresh); err != nil {
		return nil, err
	}
	return json.Marshal(keyFile{Sign: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		Refresh: refresh})
}

func parseKeys(data []byte) (*Keys, error) {
	var file keyFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(file.Sign))
	if block == nil || len(file.Refresh) != 32 {
		return nil, errors.New("a key is missing")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("not a P-256 key")
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	k := &Keys{sign: key, refresh: file.Refresh, kid: base64.RawURLEncoding.EncodeToString(sum[:8])}
	jwk, err := jwkset.NewJWKFromKey(&key.PublicKey, jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{KID: k.kid, ALG: jwkset.AlgES256, USE: jwkset.UseSig}})
	if err != nil {
		return nil, err
	}
	k.jwks, err = json.Marshal(jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{jwk.Marshal()}})
	return k, err
}

// JWKS is the public part as a JSON Web Key Set (RFC 7517), for services that check tokens elsewhere.
func (k *Keys) JWKS() json.RawMessage { return k.jwks }
