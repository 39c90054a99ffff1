/** Words that say what a number or a value beside them is, in the main languages. Data: one phrase between bars, whole words, case and accents do not matter. */
import { HEALTH_SURE, HEALTH_TERMS, HEALTH_WEAK } from './health-words.ts';

const ALL = (lists: Readonly<Record<string, string>>): string => Object.values(lists).join('|');

export const CONTEXT_WORDS = {
  /** Before a telephone number. */
  phone:
    'phone|phone number|telephone|tel|mobile|cell|fax|reach me|reach us|reach him|reach her|reach you|' +
    'text me|whatsapp|sms|hotline|telefon|telefonnummer|telefonnr|telefonisch|handy|handynummer|mobil|mobilnummer|rufnummer|erreichbar|erreichen|' +
    'téléphone|numéro de téléphone|portable|joindre|teléfono|móvil|celular|llámame|telefono|cellulare|chiamami|' +
    'telefone|telemóvel|telefoon|telefoonnummer|mobiel|telefonu|komórka|komórkowy|电话|手机|致电|電話|携帯',
  /** Said of much else too: the number stands close behind, or behind `at` and its kin. */
  phoneVerb:
    'call|called|calling|dial|answering|contact|ring|bel|bellen|ruf|rufen|anrufen|llama|llamar|appelle|appeler|appelez|chiama|chiamare|ligue|ligar|zadzwoń|zadzwonić',
  /** Behind it. */
  phoneAfter: 'office|home|mobile|cell|fax|work|phone',
  /** Before a number that has the form of a telephone number and is another. */
  otherNumber:
    'order|invoice|ticket|case|id|isbn|issn|doi|sku|part|model|serial|version|account|acct|iban|card|ssn|rfc|pmid|no|nr|number of|reference|ref|tracking|' +
    'bestellnummer|rechnung|rechnungsnummer|kundennummer|vertragsnummer|commande|facture|factura|fattura|pedido|numer zamówienia|订单',
  ssn: 'ssn|social security|social security number|itin|taxpayer id|taxpayer identification|tax payer id',
  licence:
    'driver s license|drivers license|driver license|driver s licence|driving licence|driving license|führerschein|führerscheinnummer|permis de conduire|carnet de conducir|patente di guida|rijbewijs|prawo jazdy',
  nhs: 'nhs|nhs number|nhs no',
  steuer:
    'steuer|steuer id|steuerid|steuernummer|steueridentifikationsnummer|identifikationsnummer|idnr|tax id|tin|tin number',
  ausweis:
    'ausweis|ausweisnummer|personalausweis|personalausweisnummer|reisepass|reisepassnummer|id card|passport|passport number',
  bsn: 'bsn|burgerservicenummer|burgerservice|sofinummer|citizen service number',
  belgian: 'rijksregister|rijksregisternummer|registre national|numéro national|national register|niss|insz',
  pesel: 'pesel|numer pesel',
  nif: 'nif|contribuinte|número de contribuinte',
  sin: 'sin|social insurance|social insurance number|assurance sociale|nas',
  cpf: 'cpf',
  aadhaar: 'aadhaar|aadhar|uidai|आधार',
  pan: 'pan|pan card|permanent account|permanent account number|income tax',
  tfn: 'tfn|tax file|tax file number',
  passport:
    'passport no|passport num|passport number|passport nr|passport id|passport is|passport|reisepass|reisepassnummer|passnummer|passeport|numéro de passeport|pasaporte|número de pasaporte|passaporto|passaporte|paspoort|paspoortnummer|paszport|numer paszportu|护照|パスポート',
  /** Before four small numbers with dots that are no address. */
  version: 'version|ver|v|release|build|update|firmware|section|chapter|clause',
  secret:
    'password|passwd|pwd|pass|passphrase|passcode|secret|secret key|client secret|clientsecret|api key|apikey|api secret|access key|accesskey|' +
    'secret access key|auth token|authtoken|access token|accesstoken|bearer token|refresh token|private key|privatekey|token|' +
    'encryption key|signing key|dbpassword|dbpass|userpassword|login|' +
    'passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło|密码|パスワード',
  /** Words before which, or behind which, the number of a house stands. */
  street:
    'street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|terrace|way|highway|hwy|parkway|pkwy|circle|crescent|close|' +
    'rue|chemin|allée|impasse|quai|rua|avenida|av|travessa|via|viale|piazza|corso|calle|carrer|paseo|plaza|ul|' +
    'apt|apartment|suite|ste|unit|flat|box|postfach|postbus|piso',
  healthSure: ALL(HEALTH_SURE),
  healthTerm: ALL(HEALTH_TERMS),
  healthWeak: ALL(HEALTH_WEAK),
  /** After these a person's name follows. */
  name:
    'mr|mrs|ms|mme|monsieur|madame|herr|frau|señor|señora|sr|sra|signor|signora|sig|dhr|mevr|mevrouw|pani|' +
    'my name is|name is|i am called|full name|name|customer name|patient name|account holder|cardholder|sincerely|kind regards|best regards|yours truly|' +
    'ich heiße|mein name ist|mit freundlichen grüßen|je m appelle|mon nom est|cordialement|me llamo|mi nombre es|saludos|mi chiamo|il mio nome è|cordiali saluti|' +
    'meu nome é|me chamo|atenciosamente|mijn naam is|ik heet|met vriendelijke groet|nazywam się|mam na imię|z poważaniem',
} as const satisfies Readonly<Record<string, string>>;

export type ContextWord = keyof typeof CONTEXT_WORDS;
