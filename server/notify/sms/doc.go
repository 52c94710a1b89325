// Package sms carries texts to debtors' phones, and reads what the providers tell of them. Each provider is a
// notify.Carrier:
//
//   - File, the default: the text is appended to a file in the data folder, so that nothing leaves the machine. Nothing
//     is delivered by it either: messages stay sent.
//   - Gateway: any HTTP gateway that a configuration describes: its URL, headers and body, and where its answer has the
//     id.
//   - Twilio: the Messages resource.
//   - Aliyun: SendSms with a template of the account's own for the mainland, SendMessageToGlobe elsewhere, signed by
//     ACS3-HMAC-SHA256.
//
// Carry asks a provider once. It tells three outcomes apart: the provider has the text (its id); it has certainly not
// (*notify.NotCarried: the connection was never made, or it said so); and everything else, which leaves open what it
// did, so that the text is never sent again. Redirects are not followed, since they would take the credentials along.
//
// Hooks reads receipts and replies. Twilio's are signed by X-Twilio-Signature, those of a gateway by an HMAC over the
// time and the body. What is not signed so is refused. Aliyun does not sign what it pushes, so none of it is taken:
// put a gateway before it that signs.
//
// There is no SMPP here. An SMPP bind is a connection that one node holds for all, with windows, enquire links and the
// reassembly of parts. The Go client that is kept up, linxGnu/gosmpp, has the protocol and leaves these to its user,
// and with them the fate of what was submitted when a bind breaks. The gateways that operators run for SMPP, such as
// Kannel and Jasmin, have them and speak HTTP: use Gateway.
package sms
