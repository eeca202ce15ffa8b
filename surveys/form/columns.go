package form

import "regexp"

// systemColumns are the columns that the tools add to the questions, folded, with their roles. A header that more than
// one tool has means the same in all of them.
var systemColumns = map[string]Role{
	// Google Forms, also in other languages
	"timestamp": Submitted, "zeitstempel": Submitted, "horodateur": Submitted, "marca temporal": Submitted,
	"carimbo de data/hora": Submitted, "informazioni cronologiche": Submitted, "tijdstempel": Submitted,
	"sygnatura czasowa": Submitted, "отметка времени": Submitted, "tidsstämpel": Submitted, "タイムスタンプ": Submitted,
	"email address": Email, "e-mail-adresse": Email, "adresse e-mail": Email, "dirección de correo electrónico": Email,
	"endereço de e-mail": Email, "username": Email, "e-mail address": Email, "email": Email, "e-mail": Email,
	"score": Technical, "punktzahl": Technical, "puntuación": Technical, "pontuação": Technical, "punteggio": Technical,
	"wynik": Technical, "poäng": Technical, "スコア": Technical,
	"adres e-mail": Email, "e-mailadres": Email, "indirizzo email": Email, "e-postadress": Email, "メールアドレス": Email,
	// Microsoft Forms
	"id": Technical, "start time": Technical, "completion time": Submitted, "last modified time": Technical,
	"name": Private, "language": Technical, "total points": Technical, "quiz feedback": Technical,
	"grade posted time": Technical, "startzeit": Technical, "fertigstellungszeit": Submitted,
	"uhrzeit der letzten änderung": Technical, "heure de début": Technical, "heure de fin": Submitted,
	"hora de inicio": Technical, "hora de finalización": Submitted, "hora de início": Technical,
	"hora de conclusão": Submitted, "ora di inizio": Technical, "ora di completamento": Submitted, "begintijd": Technical,
	"tijd van voltooien": Submitted, "adresse de messagerie": Email, "correo electrónico": Email,
	"posta elettronica": Email, "correio eletrônico": Email,
	// Typeform
	"#": Technical, "response type": Status, "start date (utc)": Technical, "stage date (utc)": Technical,
	"submit date (utc)": Submitted, "network id": Private, "tags": Technical, "ending": Technical,
	// SurveyMonkey
	"respondent id": Technical, "respondentid": Technical, "collector id": Technical, "collectorid": Technical,
	"date created": Technical, "date modified": Submitted, "ip address": Private, "first name": Private,
	"firstname": Private, "last name": Private, "lastname": Private, "custom data": Private, "customdata": Private,
	"custom data 1": Private,
	// Qualtrics
	"startdate": Technical, "enddate": Technical, "status": Status, "ipaddress": Private, "progress": Technical,
	"duration (in seconds)": Technical, "finished": Status, "recordeddate": Submitted, "responseid": Technical,
	"responseset": Technical, "recipientlastname": Private, "recipientfirstname": Private, "recipientemail": Email,
	"externalreference": Private, "externaldatareference": Private, "locationlatitude": Private,
	"locationlongitude": Private, "locationaccuracy": Technical, "distributionchannel": Status, "userlanguage": Technical,
	// LimeSurvey, Jotform, Tally, Zoho Survey, Alchemer
	"response id": Technical, "submission id": Technical, "submitdate": Submitted, "last page": Technical,
	"lastpage": Technical, "start language": Technical, "startlanguage": Technical, "seed": Technical,
	"date started": Technical, "date last action": Technical, "total time": Technical, "interviewtime": Technical,
	"ipaddr": Private, "refurl": Technical, "referrer url": Technical, "token": Private, "access code": Private,
	"submission ip": Private, "last update date": Technical, "submission status": Status, "response status": Status,
	"completion status": Status, "added time": Submitted, "time taken": Technical, "time started": Technical,
	"contact id": Private, "legacy comments": Technical, "referer": Technical, "extended referer": Technical,
	"sessionid": Private, "session id": Private,
	// plain tables
	"submitted": Submitted, "submitted at": Submitted, "submission date": Submitted, "submitted on": Submitted,
	"date submitted": Submitted, "datestamp": Submitted, "ip": Private, "phone": Private, "phone number": Private,
	"full name": Private, "surname": Private, "user agent": Private, "user id": Private, "work email": Email,
	"your email": Email, "your email address": Email, "e-mail-address": Email,
}

// names are headers of columns with names of people in other languages.
var names = map[string]bool{
	"vorname": true, "nachname": true, "familienname": true, "vollständiger name": true, "nom": true, "prénom": true,
	"nom complet": true, "nom de famille": true, "nombre": true, "nombre completo": true, "apellido": true,
	"apellidos": true, "nombre y apellidos": true, "nome": true, "cognome": true, "nome completo": true,
	"nome e cognome": true, "sobrenome": true, "apelido": true, "naam": true, "voornaam": true, "achternaam": true,
	"volledige naam": true, "imię": true, "nazwisko": true, "imię i nazwisko": true, "namn": true, "förnamn": true,
	"efternamn": true, "navn": true, "имя": true, "фамилия": true, "名前": true, "氏名": true, "姓名": true,
}

// asksForName matches the questions of forms that ask who somebody is.
var asksForName = regexp.MustCompile(`^(please )?((enter|what is|what's|write) )?(your )?(full |first |last |family |given )` +
	`?name$|^(your )?(employee|staff|personnel) (id|number|no)$|^(your )?(phone|mobile)( number)?$|^(your )?login$`)

// timed matches the columns in which LimeSurvey writes how long somebody took.
var timed = regexp.MustCompile(`^(group|question) ?time: `)

// googleTimes are the names of the first column of Google Forms.
var googleTimes = []string{"timestamp", "zeitstempel", "horodateur", "marca temporal", "carimbo de data/hora",
	"informazioni cronologiche", "tijdstempel", "sygnatura czasowa", "отметка времени", "tidsstämpel", "タイムスタンプ"}

// statusWords are the answers of a column that tells whole responses from others, folded; true: the response is whole.
var statusWords = map[string]bool{
	"complete": true, "completed": true, "finished": true, "submitted": true, "done": true, "active": true, "read": true,
	"unread": true, "partial": false, "partially completed": false, "partially complete": false, "incomplete": false,
	"in progress": false, "started": false, "abandoned": false, "disqualified": false, "not completed": false,
}

// Whole reports whether a cell of a Status column of a tool other than Qualtrics is of a response that is whole.
func Whole(status string) bool {
	whole, known := statusWords[fold(status)]
	return whole || !known
}

// scored matches the columns that Qualtrics computes from answers.
var scored = regexp.MustCompile(`^sc\d+$|_nps_group$`)

// onlyOf are the system columns that mean something only in the export of some tools; elsewhere they are questions.
var onlyOf = map[string][]Tool{
	"finished": {Qualtrics}, "progress": {Qualtrics}, "distributionchannel": {Qualtrics},
	"startdate": {Qualtrics, SurveyMonkey, Plain}, "enddate": {Qualtrics, SurveyMonkey},
	"response type": {Typeform}, "tags": {Typeform}, "ending": {Typeform},
	"language": {Microsoft}, "score": {Google},
}

// signatures are the columns by which a tool is recognized: all of one list must be there.
var signatures = []struct {
	tool    Tool
	columns []string
}{
	{Qualtrics, []string{"startdate", "enddate", "progress", "finished", "recordeddate"}},
	{Qualtrics, []string{"startdate", "enddate", "ipaddress", "responseid"}},
	{Qualtrics, []string{"startdate", "enddate", "responseid", "finished"}},
	{SurveyMonkey, []string{"respondent id", "collector id"}},
	{SurveyMonkey, []string{"respondentid", "collectorid"}},
	{SurveyMonkey, []string{"respondent id", "date created", "date modified"}},
	{Typeform, []string{"#", "submit date (utc)"}},
	{Typeform, []string{"#", "network id"}},
	{Typeform, []string{"#", "start date (utc)"}},
	{Microsoft, []string{"id", "start time", "completion time"}},
	{Microsoft, []string{"id", "startzeit", "fertigstellungszeit"}},
	{Microsoft, []string{"id", "heure de début", "heure de fin"}},
	{Microsoft, []string{"id", "hora de inicio", "hora de finalización"}},
	{Microsoft, []string{"id", "hora de início", "hora de conclusão"}},
	{Microsoft, []string{"id", "ora di inizio", "ora di completamento"}},
	{Microsoft, []string{"id", "begintijd", "tijd van voltooien"}},
}
