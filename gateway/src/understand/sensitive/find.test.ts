import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SENSITIVE } from '../../policy/vocabulary.ts';
import { DETECTORS, SENSITIVE_CHARACTERS_MAX, sensitiveIn, type Sensitive } from './find.ts';

function kinds(text: string): readonly Sensitive[] {
  return sensitiveIn([{ writer: 'user', text }]);
}

/** Made here, so that no text of this file looks like a key. */
function key(prefix: string, length: number, alphabet = 'a1B2c3D4e5F6g7H8i9J0'): string {
  return prefix + alphabet.repeat(20).slice(0, length);
}

const FOUND: Readonly<Partial<Record<Sensitive, readonly string[]>>> = {
  email: [
    'write to anna.schmidt@firma.de please',
    'Mail: <a+b@sub.domain.co.uk>, thanks',
    'JÖRG@MÜLLER.DE',
    '"x_y-z@uni-köln.de"',
  ],
  phone: [
    'my number is +49 30 901820',
    'Call +1 (415) 555-2671 ext 12',
    'call me at 415-555-2671',
    '(415) 555-2671',
    'Tel. 030/901820 oder mobil: 0171 2345678',
    'Téléphone : 01 42 68 53 00',
    'Mi teléfono es 912 345 678',
    'handynummer 0171-2345678',
    '06-24312407-Office',
    '电话：13800138000',
  ],
  card: [
    '4111 1111 1111 1111',
    '4111-1111-1111-1111',
    'card 4539578763621486, exp 12/27',
    'amex 378282246310005',
    '3782 822463 10005',
    'Mastercard 2223003122003222.',
    '6011000990139424',
  ],
  iban: [
    'DE89370400440532013000',
    'GB29 NWBK 6016 1331 9268 19',
    'fr1420041010050500013m02606',
    'IBAN: NL91ABNA0417164300.',
  ],
  'national-id': [
    'my ssn is 536-90-4399',
    'Social security number 536904399',
    "driver's license number is A56319335",
    'NINO AB123456C',
    'NI number: AB 12 34 56 C',
    'NHS number 943 476 5919',
    'Meine Steuer-ID ist 86 095 742 719',
    'numéro de sécu 2 55 08 14 168 025 38',
    'DNI 12345678Z',
    'NIE: X1234567L',
    'codice fiscale RSSMRA85T10A562S',
    'mijn BSN is 111222333',
    'rijksregisternummer 85.07.30-033.28',
    'PESEL 44051401359',
    'personnummer 811228-9874',
    'henkilötunnus 131052-308T',
    'AHV 756.9217.0769.85',
    'SIN 130 692 544',
    'CPF 529.982.247-25',
    'meu cpf: 52998224725',
    'Aadhaar 2341 2341 2346',
    'PAN card ABCPE1234F',
    '身份证 11010519491231002X',
    'TFN 123 456 782',
    'o meu NIF é 123456789',
    'passport number 925665416',
  ],
  health: [
    'I was diagnosed with diabetes last year.',
    'My son has asthma, what should he avoid?',
    'Patient: 54 years, hypertension, on metformin.',
    'I am taking antidepressants and want to stop.',
    'She has been HIV positive since 2011',
    'Bei mir wurde Krebs festgestellt.',
    'Meine Mutter hat Demenz.',
    "J'ai le diabète et je prends de l'insuline.",
    'Mi hija tiene asma.',
    'Ho la depressione da due anni.',
    'Tenho diabetes tipo 2.',
    'Ik heb kanker.',
    'Mam cukrzycę typu 2.',
    '我得了糖尿病，该吃什么？',
    '私は糖尿病です。',
    'Employee Jane Roe suffers from epilepsy.',
  ],
  secret: [
    key('AKIA', 16, 'ABCDEFGH234567'),
    key('ghp_', 36),
    key('sk-proj-', 60),
    key('sk-ant-api03-', 80),
    key('AIza', 35),
    key('xoxb-', 40, '1234567890-'),
    key('sk_live_', 24),
    key('hf_', 34, 'abcdefGHIJ'),
    key('glpat-', 20),
    `${key('eyJ', 20)}.${key('eyJ', 30)}.${key('', 40)}`,
    `${key('-----BEGIN RSA PRIV', 0)}ATE KEY-----\nMIIE`,
    'password=Tr0ub4dor&3',
    'DB_PASSWORD: "hunter2-x9!"',
    '{"api_key": "f3a9c1e7b2d84650"}',
    'postgres://admin:s3cr3t-Pw9@db.internal:5432/app',
    'Mein Passwort lautet Sommer2024!x',
    'export CLIENT_SECRET=9f8e7d6c5b4a',
  ],
  'ip-address': [
    'blocked 86.231.85.193 again',
    'from 10.218.6.131',
    '2a02:8108:8ac0:2d00:71f3:51f7:9161:c319',
    'fe80::1ff:fe23:4567:890a',
  ],
  address: [
    'I live at 12 Long Lane',
    '1600 Pennsylvania Avenue NW',
    'Hauptstraße 5, 10827 Berlin',
    '12 rue de la Paix, Paris',
    'ul. Długa 7',
    'Calle Mayor 3',
    'via Roma 12',
    'Kerkstraat 12, Amsterdam',
    'Suite 286',
    'P.O. Box 1234',
  ],
  person: [
    'My name is Ada Lovelace',
    'Mrs. Dorothy Slaton',
    'Ich heiße Jörg Müller',
    'Name:    Allen Akhtakhanov',
    'Kind regards,\nMary Ann Evans',
  ],
};

const CLEAN: readonly string[] = [
  '',
  'The meeting is at 10:30:45 on 2024-05-01, room 4.',
  'version 1.2.3.4 and firmware 10.0.19041.1',
  'import x from "@scope/pkg"; git@github.com:a/b.git; logo@2x.png',
  'test@example.com and user@localhost',
  'order 4111111111111112 is late',
  'DE89370400440532013001',
  'ISBN 978-3-16-148410-0, DOI 10.1000/182',
  'numbers 123456789 and 987654321 without a word',
  'DNI 12345678A',
  'call the function 12345678 times',
  'between 1914-1918 and (1983-1987)',
  'Order number: 0171 2345678',
  'What are the symptoms of diabetes?',
  'How is cancer treated in dogs?',
  'You should take your medication.',
  'password: ********',
  'api_key = process.env.API_KEY',
  'the password is required',
  'token: string',
  'PASSWORD=changeme',
  'sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'commit 5d41402abc4b2a76b9719d911017c592',
  'My name is Earl was a good series',
  'Mr. Lucci put together 5 bags of pens.',
  'take drive 5 and run 3 errands',
  'ping 8.8.8.8 or 127.0.0.1, see 192.0.2.7',
  'The ratio was 4:3:2:1, the MAC 00:1b:44:11:3a:b7',
];

describe('sensitive data', () => {
  for (const [kind, texts] of Object.entries(FOUND))
    for (const text of texts)
      it(`finds ${kind} in ${JSON.stringify(text.slice(0, 60))}`, () => {
        assert.ok(
          kinds(text).includes(SENSITIVE.find((one) => one === kind) ?? 'unread'),
          `found ${kinds(text).join()}`,
        );
      });

  for (const text of CLEAN)
    it(`finds nothing in ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.deepEqual(kinds(text), []);
    });

  it('is found wherever it stands in a long text, up to the bound, and beyond it nothing is claimed', () => {
    const filler = 'The quick brown fox jumps over the lazy dog. ';
    const long = filler.repeat(Math.floor((SENSITIVE_CHARACTERS_MAX - 100) / filler.length));
    assert.deepEqual(kinds(`${long} anna@firma.de`), ['email']);
    assert.deepEqual(kinds(`${long}${filler.repeat(10)} anna@firma.de`), ['unread']);
  });

  it('is found behind any number of things that only look like it', () => {
    const decoys = 'token: string, password: none, 123-45-678, 4111111111111112, a@b. my. cancer. '.repeat(5000);
    assert.deepEqual(kinds(`${decoys}\nmy ssn is 536-90-4399, password=Tr0ub4dor&3`), ['national-id', 'secret']);
  });

  it('has a detector for every kind but the one that says that nobody looked', () => {
    assert.deepEqual(
      DETECTORS.map(([kind]) => kind).toSorted(),
      SENSITIVE.filter((kind) => kind !== 'unread').toSorted(),
    );
  });

  it('never throws, and gives spans within the text', () => {
    const pieces = fc.constantFrom(
      '@',
      '4111 ',
      '1111',
      ' ',
      '-',
      '+49',
      '(',
      'my ',
      'ssn ',
      'password=',
      'sk-',
      'DE89',
      ':',
      '::',
      '.',
      '\u00e9',
      'ß',
      '癌',
      '12',
      'a',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        kinds(parts.join(''));
      }),
    );
  });
});

/** A look at each pair of so many characters would be seventy thousand million looks: minutes. One at each takes some 50 ms, on a busy machine ten times that. */
const SIZE = 256 * 1024;
const LINEAR_MAX_MS = 5000;

describe('the time that sensitive data takes', () => {
  const hostile: Readonly<Record<string, string>> = {
    'at signs': '@a.',
    'numbers of cards': '4111 1111 1111 1112 ',
    'words for passwords': 'password: token: secret: ',
    'words for numbers': 'ssn ssn passport 123456 ',
    'terms and persons': 'I have cancer. my cancer I am ',
    digits: '1',
    'digits and dashes': '1-1-1-1-',
    'one letter': 'a',
    'brackets and pluses': '+(((+((',
    'street words': '12 Long Long Long Long Long ',
    'characters of Chinese': '我癌症',
    'colons and hex': 'a1:b2:',
    'begins of keys': 'sk-ant- eyJa.eyJ ',
    names: 'Mr. Aa Aa Aa Aa ',
    spaces: ' ',
  };
  for (const [name, unit] of Object.entries(hostile))
    it(`grows with the text and not faster: ${name}`, () => {
      // Written out, as a body's text is: a rope of repetitions is put together first, and that is not ours.
      const text = Buffer.from(unit.repeat(Math.ceil(SIZE / unit.length))).toString();
      const startedMs = performance.now();
      kinds(text);
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs < LINEAR_MAX_MS, `${tookMs.toFixed(0)} ms`);
    });
});
