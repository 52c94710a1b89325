package words

// lookAlikes are letters of other scripts that look like Latin ones. No language of the profiles is written in Greek,
// Cyrillic, Armenian or Cherokee, so there is no word that loses by it.
var lookAlikes = pairs(
	"аaбbвbгrдdеeёeжxзeиnйnкkлnмmнhоoпnрpсcтtуyфfхxцuчhшwщwъbыbьbэeюoяrіiїiјjѕsԁdԛqԝwүyҮyәeһhӏlԍgѵvґrєeўy" +
		"АAВBЕEЅSЗEІIЇIЈJКKМMНHОOРPСCТTУYХXҺHԌGԚQԜWӀIЬBѴV" +
		"αaβbγyδdεeζzηnθoιiκkλlμuνvξeοoπnρpςcσoτtυuφfχxψwωwϲcϳjΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX" +
		"աwոnսuօoհhզqցgյjՏSՍUՕOլlկk" +
		"ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎥiᎢTᎫJᏦKᏞLᎷMᏢPᎡRᏚSᏔWᏙVᏃZ" +
		"ɑaɡgɩiɪiʏyʀrɴnʟlʜhɢgʙbᴀaᴄcᴅdᴇeᴊjᴋkᴍmᴏoᴘpᴛtᴜuᴠvᴡwᴢzꜱsꜰfǃ!ｌl" +
		"🅐A🅑B🅒C🅓D🅔E🅕F🅖G🅗H🅘I🅙J🅚K🅛L🅜M🅝N🅞O🅟P🅠Q🅡R🅢S🅣T🅤U🅥V🅦W🅧X🅨Y🅩Z" +
		"🅰A🅱B🅲C🅳D🅴E🅵F🅶G🅷H🅸I🅹J🅺K🅻L🅼M🅽N🅾O🅿P🆀Q🆁R🆂S🆃T🆄U🆅V🆆W🆇X🆈Y🆉Z",
)

// spelled are letters that are written with two others.
var spelled = map[rune]string{'ß': "ss", 'æ': "ae", 'œ': "oe", '’': "'", '‘': "'", 'ʼ': "'", '`': "'", '´': "'",
	'“': "\"", '”': "\"", '—': " - ", '–': "-", '‐': "-", '‑': "-", '−': "-", '⁄': "/", '\u00a0': " "}

// sameLetter are letters that people write one for the other: strokes, the forms of alef and of yeh, nasal signs.
var sameLetter = pairs("øođdðdłlıiħhŧtɓbɗdɖdƙkꞌ'" +
	"أاإاآاٱاىيةهؤوئيکكیيہهھهےي" +
	"ँं" + "ઁં" + "ਁਂ" + "ਂਂੰਂ")

func pairs(s string) map[rune]rune {
	r, out := []rune(s), map[rune]rune{}
	for i := 0; i+1 < len(r); i += 2 {
		out[r[i]] = r[i+1]
	}
	return out
}
