# Functions for trying the API of a running Doorstep from a shell (bash or zsh).
#
#   . scripts/api.sh                  URL is http://127.0.0.1:8080 unless it is set
#   sign_in LOGIN PASSWORD [DEVICE]   go on as this user, for a quarter of an hour; an agent needs a device
#   get PATH                          the answer, made readable
#   put PATH JSON, post PATH [JSON]   the same for changes
#   send PATH TYPE FILE               an import, streamed
#   fetch PATH                        the answer as it came
#   first NAME                        the first member of that name in what is piped in
#   wait_for PATH STATUS              wait until the record has this status
#
# Every function prints the server's error and fails where the server refuses.

URL=${URL:-http://127.0.0.1:8080}
auth='Authorization: none'
device='X-Device-Id;'

# show indents JSON by whatever the machine has.
show() {
  if command -v jq >/dev/null; then
    jq .
  elif command -v node >/dev/null; then
    node -e 'const t = require("fs").readFileSync(0, "utf8")
      if (t) console.log(JSON.stringify(JSON.parse(t), null, 2))'
  else
    cat
  fi
}

call() { curl -sS --fail-with-body -H "$auth" -H "$device" "$@"; }

fetch() { call "$URL$1"; }

get() { fetch "$1" | show; }

put() { call -X PUT -H 'Content-Type: application/json' --data-binary "$2" "$URL$1" | show; }

post() { call -X POST -H 'Content-Type: application/json' --data-binary "${2:-}" "$URL$1" | show; }

send() { call -X POST -H "Content-Type: $2" --data-binary "@$3" "$URL$1" | show; }

first() { grep -o "\"$1\": *\"[^\"]*\"" | sed -n 1p | cut -d '"' -f 4; }

wait_for() {
  while :; do
    answer=$(fetch "$1") || { echo "$answer" | show; return 1; }
    case $(echo "$answer" | first status) in
      "$2") return ;;
      failed) echo "$answer" | show; return 1 ;;
    esac
    sleep 1
  done
}

sign_in() {
  auth='Authorization: none'
  device='X-Device-Id;'
  answer='{"login":"'$1'","password":"'$2'"'
  [ -z "${3:-}" ] || answer=$answer',"device":{"id":"'$3'","platform":"other"}'
  answer=$(call -X POST -H 'Content-Type: application/json' --data-binary "$answer}" "$URL/v1/sessions") ||
    { echo "$answer" | show; return 1; }
  auth="Authorization: Bearer $(echo "$answer" | first access_token)"
  [ -z "${3:-}" ] || device="X-Device-Id: $3"
  echo "signed in as $1"
}
