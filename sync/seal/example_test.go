package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"

	"doorstep/sync/seal"
)

// A debtor's name is sealed before it is stored, and opened to be shown. After the
// debtor is erased, the stored document is unchanged but the name cannot be read.
func Example() {
	ctx := context.Background()
	kek, err := seal.ParseKEK(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		log.Fatal(err)
	}
	vault, err := seal.Open(ctx, newSmalls(), kek, nil)
	if err != nil {
		log.Fatal(err)
	}

	type contact struct {
		Case string    `json:"case"`
		Name seal.Text `json:"name,omitzero"`
	}
	doc := contact{Case: "c1", Name: seal.NewText("Amélia Martins")}
	if err := vault.SealDoc(ctx, "d1", "porto", "contacts", "n1", &doc); err != nil {
		log.Fatal(err)
	}
	stored, err := seal.Marshal(&doc)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored in the clear:", bytes.Contains(stored, []byte("Amélia")))
	fmt.Println("printed:", doc.Name)

	shown, err := seal.Show(&doc)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(shown))

	if err := vault.Erase(ctx, "d1"); err != nil {
		log.Fatal(err)
	}
	var again contact
	if err := json.Unmarshal(stored, &again); err != nil {
		log.Fatal(err)
	}
	if err := vault.OpenDoc(ctx, "d1", "porto", "contacts", "n1", &again); err != nil {
		log.Fatal(err)
	}
	if shown, err = seal.Show(&again); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(shown))
	// Output:
	// stored in the clear: false
	// printed: (personal)
	// {"case":"c1","name":"Amélia Martins"}
	// {"case":"c1","name":null,"erased":true}
}
