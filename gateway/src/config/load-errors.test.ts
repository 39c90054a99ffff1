import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KnownNames } from './checks.ts';
import type { ParseOptions } from './load.ts';
import { parseConfig } from './load.ts';
import type { ConfigError } from './finding.ts';

const KNOWN: KnownNames = {
  providers: ['openai', 'anthropic', 'mistral'],
  doubtAbout: (name) =>
    name.endsWith('gpt-55')
      ? { level: 'error', message: `names \`${name}\`, which no provider here serves`, suggestion: 'openai/gpt-5' }
      : undefined,
};

function errorsOf(text: string, options: Partial<ParseOptions> = {}): readonly ConfigError[] {
  const result = parseConfig(text, { file: 'turnout.yaml', env: {}, known: KNOWN, ...options });
  assert.ok(!result.ok, 'the document was taken');
  return result.error;
}

/** `line:column path message`, with the suggestion behind `?`. */
function brief({ line, column, path, message, suggestion }: ConfigError): string {
  return `${line}:${column} ${path} | ${message}${suggestion === undefined ? '' : ` ?${suggestion}`}`;
}

describe('parseConfig on broken files', () => {
  const cases: readonly { name: string; text: string; errors: readonly string[] }[] = [
    {
      name: 'a tab as indentation',
      text: 'server:\n\tport: 1\n',
      errors: ['2:1  | A tab is used to indent. YAML allows only spaces there.'],
    },
    {
      name: 'accounts that anybody may make, and that their addresses then open',
      text: [
        'people:',
        '  sign_up: open',
        '  domains: [a.example, Corp.example]',
        '  oidc:',
        '    - {name: a, issuer: "https://a.example", client_id: c, domains: [corp.example], link_by_email: true}',
        '    - {name: b, issuer: "https://b.example", client_id: c, domains: [b.example], link_by_email: true}',
        '    - {name: c, issuer: "https://c.example", client_id: c, link_by_email: true}',
        '    - {name: d, issuer: "https://d.example", client_id: c, link_by_email: true, org: org_other}',
      ].join('\n'),
      errors: ['5', '7'].map(
        (line, at) =>
          `${line}:${[100, 75][at] ?? 0} people.oidc[${at * 2}].link_by_email | cannot stand beside \`sign_up: open\` for the same domains: anybody could make the account that the owner of an address then logs in to`,
      ),
    },
    {
      name: 'wrong indentation',
      text: 'providers:\n  openai:\n    weight: 1\n   disabled: true\n',
      errors: ['4:1  | All mapping items must start at the same column.'],
    },
    {
      name: 'a cloud account’s key by a name that is nearly right',
      text: 'providers: {openai: {aws: {acess_key_id: x}}}\n',
      errors: ['1:28 providers.openai.aws.acess_key_id | is not a known key ?access_key_id'],
    },
    {
      name: 'halves of cloud credentials, and two credentials at once',
      text: [
        'providers:',
        '  a: {like: openai, aws: {access_key_id: A}}',
        '  b: {like: openai, aws: {secret_access_key: "${S:-s}", session_token: "${S:-t}"}}',
        '  c: {like: openai, api_key: k, azure: {client_id: c, client_secret: "${S:-s}"}}',
        '  d: {like: openai, aws: {profile: p, access_key_id: A, secret_access_key: "${S:-s}", external_id: e}}',
        '  e: {like: openai, aws: {}, google: {}}',
        '  f: {like: openai, aws: {role_arn: admin}}',
      ].join('\n'),
      errors: [
        '2:42 providers.a.aws.access_key_id | needs `secret_access_key` beside it',
        '3:46 providers.b.aws.secret_access_key | needs `access_key_id` beside it',
        '3:72 providers.b.aws.session_token | needs `access_key_id` beside it',
        '4:52 providers.c.azure.client_id | stands beside `api_key`, and only one of them can be sent',
        '5:36 providers.d.aws.profile | stands beside `access_key_id`: give a profile or keys',
        '5:100 providers.d.aws.external_id | needs `role_arn` beside it',
        '6:38 providers.e.google | stands beside `aws`: a provider has one account',
        '7:37 providers.f.aws.role_arn | must be the ARN of a role',
      ],
    },
    { name: 'a text that is not closed', text: 'data: "x\n', errors: ['2:1  | Missing closing "quote.'] },
    {
      name: 'a second document',
      text: 'attempts: 1\n---\nattempts: 2\n',
      errors: ['2:1  | A second document begins here. Put all of the configuration into one.'],
    },
    {
      name: 'a directive',
      text: '%YAML 1.1\n---\nattempts: 1\n',
      errors: ['1:1  | Directives (%) are not understood. Remove the line.'],
    },
    {
      name: 'a custom tag',
      text: 'data: !!js/function "x"\nattempts: !!int 3\n',
      errors: [
        '1:7 data | has the tag `!!js/function`; tags are not understood',
        '2:11 attempts | has the tag `!!int`; tags are not understood',
      ],
    },
    {
      name: 'a tag on the line before its value',
      text: 'server: !evil\n  port: 1\n',
      errors: ['1:9 server | has the tag `!evil`; tags are not understood'],
    },
    {
      name: 'a key that stands twice',
      text: 'attempts: 1\nserver: {port: 1, port: 2}\nattempts: 2\n',
      errors: [
        '2:19 server.port | stands here a second time; the first is on line 2',
        '3:1 attempts | stands here a second time; the first is on line 1',
      ],
    },
    {
      name: 'an alias without anchor',
      text: 'data: *x\n',
      errors: ['1:7 data | refers to `*x`, which is not defined above it'],
    },
    {
      name: 'an alias inside its own anchor',
      text: 'server: &s {host: *s}\n',
      errors: ['1:19 server.host | refers to `*s`, which it is itself a part of'],
    },
    {
      name: 'a merge key',
      text: 'providers:\n  a: &a {dialect: ollama, base_url: "http://h/"}\n  b: {<<: *a, like: a}\n',
      errors: ['3:7 providers.b["<<"] | is a YAML merge key, which is not understood. Write the keys out'],
    },
    {
      name: 'keys that reach the prototype',
      text: 'aliases: {__proto__: x, constructor: y}\n',
      errors: [
        '1:11 aliases | has the key `__proto__`, which is not allowed anywhere',
        '1:25 aliases | has the key `constructor`, which is not allowed anywhere',
      ],
    },
    {
      name: 'a key that is a list',
      text: '? [a]\n: 1\n',
      errors: ['1:3  | has a key that is not a plain word or text'],
    },
    { name: 'a list as the document', text: '- a\n', errors: ['1:1  | must be a group of keys, not a list'] },
    {
      name: 'unknown keys at every level',
      text: 'sever: {}\nserver: {prot: 1}\nproviders: {openai: {bse_url: x, foo: 1}}\n',
      errors: [
        '1:1 sever | is not a known key ?server',
        '2:10 server.prot | is not a known key ?port',
        '3:22 providers.openai.bse_url | is not a known key ?base_url',
        '3:34 providers.openai.foo | is not a known key',
      ],
    },
    {
      name: 'wrong types',
      text: 'server: {port: "8787", host: 5}\nattempts: many\nlog: full\nproviders: [openai]\n',
      errors: [
        '1:16 server.port | must be a number, not a text; take the quotes off',
        '1:30 server.host | must be a text, not a number; put it in quotes',
        '2:11 attempts | must be a number, not a text',
        '3:6 log | must be a group of keys, not a text',
        '4:12 providers | must be a group of keys, not a list',
      ],
    },
    {
      name: 'values out of bounds',
      text: 'server: {port: 70000, body_max_bytes: 1.5}\nattempts: 0\ntimeouts: {idle_ms: .inf}\n',
      errors: [
        '1:16 server.port | must be at most 65535',
        '1:39 server.body_max_bytes | must be a whole number',
        '2:11 attempts | must be at least 1',
        '3:21 timeouts.idle_ms | must be a finite number',
      ],
    },
    {
      name: 'a value that is not of the list',
      text: 'log: {requests: metdata}\nprice_unknown: yes\nstore: mysql://h/db\nshared: memcached://h\n',
      errors: [
        '1:17 log.requests | has a value that is not known ?metadata',
        '2:16 price_unknown | has a value that is not known',
        '3:8 store | must be `sqlite` or `postgres://user:password@host:port/database`, as in `"${TURNOUT_DATABASE}"`',
        '4:9 shared | must be `memory`, or the address of a Valkey or Redis server: `redis://host:6379`, `rediss://` over TLS',
      ],
    },
    {
      name: 'values that were forgotten',
      text: 'attempts:\naliases:\n  fast:\nserver:\n  host: ~\n',
      errors: ['1:1 attempts | has no value', '3:3 aliases.fast | has no value', '5:3 server.host | has no value'],
    },
    {
      name: 'missing environment variables, each at its reference',
      text: 'providers:\n  openai:\n    api_key: ["${A}", "x${B_2}y", "${C"]\n    base_url: ${1X}\n',
      errors: [
        '3:16 providers.openai.api_key[0] | needs the environment variable A, which is not set; set it, or give a default: `${A:-…}`',
        '3:25 providers.openai.api_key[1] | needs the environment variable B_2, which is not set; set it, or give a default: `${B_2:-…}`',
        '3:36 providers.openai.api_key[2] | has a `${` without its `}`; write `$${` for the characters themselves',
        '4:15 providers.openai.base_url | has a reference that is not `${NAME}` or `${NAME:-default}`; write `$${` for the characters themselves',
      ],
    },
    {
      name: 'a reference without quotes inside braces',
      text: 'providers: {openai: {api_key: ${KEY}}}\n',
      errors: ['1:32  | A `${…}` inside `{ }` or `[ ]` must be in quotes: "${NAME}".'],
    },
    {
      name: 'base URLs that cannot be used',
      text: [
        'providers:',
        '  a: {like: openai, base_url: "ftp://h/v1"}',
        '  b: {like: openai, base_url: "https://u:p@h/v1"}',
        '  c: {like: openai, base_url: "https://h/v1?x=1"}',
        '  d: {like: openai, base_url: "https://h/v1#x"}',
        '  e: {like: openai, base_url: "h/v1"}',
        '  f: {like: openai, base_url: "https://h/\\n"}',
        '  g: {like: openai, base_url: "file:///etc/passwd"}',
      ].join('\n'),
      errors: [
        '2:31 providers.a.base_url | must begin with https:// or http://',
        '3:31 providers.b.base_url | must not hold a user name or password; use `api_key` or `headers`',
        '4:31 providers.c.base_url | must not have a query; the operation is put behind it',
        '5:31 providers.d.base_url | must not have a fragment',
        '6:31 providers.e.base_url | must be a URL such as https://api.openai.com/v1',
        '7:31 providers.f.base_url | must be a URL such as https://api.openai.com/v1',
        '8:31 providers.g.base_url | must begin with https:// or http://',
      ],
    },
    {
      name: 'base URLs that lead to this gateway',
      text: 'server: {port: 9000}\nproviders:\n  a: {like: openai, base_url: "http://localhost:9000/v1"}\n  b: {like: openai, base_url: "http://127.0.0.7:9000/v1"}\n  c: {like: openai, base_url: "http://[::1]:9000"}\n',
      errors: ['3', '4', '5'].map(
        (line) =>
          `${line}:31 providers.${{ 3: 'a', 4: 'b', 5: 'c' }[line]}.base_url | leads to this gateway itself: requests would go round in a circle`,
      ),
    },
    {
      name: 'names that are no ids',
      text: 'providers:\n  Open AI: {like: openai, weight: x}\nroutes:\n  a/b: {targets: [openai/x]}\naliases: {"a b": openai/x}\n',
      errors: [
        '2:3 providers["Open AI"] | must be made of a-z, 0-9, `.`, `_` and `-`, begin with a letter or digit, and have at most 64 characters',
        '2:35 providers["Open AI"].weight | must be a number, not a text',
        '4:3 routes["a/b"] | must be made of a-z, 0-9, `.`, `_` and `-`, begin with a letter or digit, and have at most 64 characters',
        '5:11 aliases["a b"] | must be of printable ASCII characters without spaces, at most 200 of them',
      ],
    },
    {
      name: 'providers that nobody knows',
      text: 'providers:\n  opnai: {}\n  mine: {dialect: ollama}\n  eu: {like: antropic}\n  self: {like: self}\n',
      errors: [
        '2:3 providers.opnai | is not in the catalog. Give `like` (a catalog provider), or `dialect` and `base_url` ?openai',
        '3:3 providers.mine | needs `base_url`: it is not in the catalog',
        '4:14 providers.eu.like | names `antropic`, which is no provider here or in the catalog ?anthropic',
        '5:16 providers.self.like | names the provider itself; leave `like` out, `self` already means the catalog’s',
      ],
    },
    {
      name: '`like` in a circle',
      text: 'providers:\n  a: {like: b}\n  b: {like: c}\n  c: {like: b}\n',
      errors: ['3:13 providers.b.like | leads back to itself: `b` → `c` → `b`'],
    },
    {
      name: 'aliases and routes in a circle, each circle once',
      text: 'aliases: {in: a, a: b, b: r, me: me}\nroutes:\n  r: {targets: [openai/x, a]}\n  ok: {targets: [openai/x]}\n',
      errors: [
        '1:21 aliases.a | leads back to itself: `a` → `b` → `r` → `a`',
        '1:34 aliases.me | leads back to itself: `me` → `me`. To mean the model of that name, write its provider too: `provider/me`',
      ],
    },
    {
      name: 'an alias with the name of a route',
      text: 'aliases: {fast: openai/x}\nroutes: {fast: {targets: [openai/x]}}\n',
      errors: ['1:11 aliases.fast | has the name of a route. Rename one of them: callers could mean either'],
    },
    {
      name: 'names of models that nothing serves',
      text: 'aliases: {fast: gpt-55}\nroutes:\n  r:\n    targets:\n      - openai/gpt-5\n      - target: openai/gpt-55\n',
      errors: [
        '1:17 aliases.fast | names `gpt-55`, which no provider here serves ?openai/gpt-5',
        '6:17 routes.r.targets[1].target | names `openai/gpt-55`, which no provider here serves ?openai/gpt-5',
      ],
    },
    {
      name: 'routes with parts that this release does not have',
      text: 'routes:\n  r:\n    targets: [openai/x]\n    strategy: learned\n    experiment: {after: p95}\n    hegde: 1\n',
      errors: [
        '4:15 routes.r.strategy | asks for `learned`, which is not in this release',
        '5:5 routes.r.experiment | is not in this release. Remove it: nothing here would follow it',
        '6:5 routes.r.hegde | is not a known key ?hedge',
      ],
    },
    {
      name: 'routes that do not fit together',
      text: 'routes:\n  r: {}\n  s: {targets: [openai/x, {target: openai/x}], tiers: [[openai/y], [openai/x, openai/x]]}\n  t: {targets: []}\n  u: {targets: [{weight: 1}, 5]}\n',
      errors: [
        '2:6 routes.r | needs `targets` or `tiers`: there is nowhere to send its requests',
        '3:36 routes.s.targets[1].target | names `openai/x` a second time',
        '3:57 routes.s.tiers[0][0] | names `openai/y`, which is not among the route’s `targets` ?openai/x',
        '3:79 routes.s.tiers[1][1] | names `openai/x` a second time',
        '4:16 routes.t.targets | must have at least 1 entries',
        '5:17 routes.u.targets[0].target | is missing',
        '5:30 routes.u.targets[1] | must not be a number',
      ],
    },
    {
      name: 'prices that are no amounts',
      text: [
        'providers:',
        '  openai:',
        '    models:',
        '      m:',
        '        price:',
        '          input: -1',
        '          output: 1e308',
        '          cache_read: .nan',
        '          cache_write: 0.1234567891',
        '          cache_write_1h: 9999999999',
        '          reasoning: "one"',
        '          input_audio: [1]',
        '          output_audio: +1',
        '          request: 0x10',
        '          tiers: [{input: 1}, {above_context_tokens: 5}, {above_context_tokens: 5}]',
      ].join('\n'),
      errors: [
        '6:18 providers.openai.models.m.price.input | must not be negative',
        '7:19 providers.openai.models.m.price.output | must be a plain decimal such as 0.15, without an exponent',
        '8:23 providers.openai.models.m.price.cache_read | must be a plain decimal such as 0.15',
        '9:24 providers.openai.models.m.price.cache_write | must have at most 9 decimals: nothing is rounded',
        '10:27 providers.openai.models.m.price.cache_write_1h | must be at most 100000 USD',
        '11:22 providers.openai.models.m.price.reasoning | must be a plain decimal such as 0.15',
        '12:24 providers.openai.models.m.price.input_audio | must be a text, not a list',
        '13:25 providers.openai.models.m.price.output_audio | must be a plain decimal such as 0.15',
        '14:20 providers.openai.models.m.price.request | must be a plain decimal such as 0.15',
        '15:19 providers.openai.models.m.price.tiers[0].above_context_tokens | is missing',
      ],
    },
    {
      name: 'price tiers that stand twice',
      text: 'providers: {openai: {models: {m: {price: {tiers: [{above_context_tokens: 5}, {above_context_tokens: 5}]}}}}}\n',
      errors: [
        '1:101 providers.openai.models.m.price.tiers[1].above_context_tokens | is the same as in an earlier tier',
      ],
    },
    {
      name: 'secrets and headers that would break a request',
      text: 'providers:\n  openai:\n    api_key: "a\\nb"\n    headers: {Host: x, "x y": z, x-ok: " z"}\n',
      errors: [
        '3:14 providers.openai.api_key | must not hold line breaks or control characters',
        '4:24 providers.openai.headers["x y"] | must be a header name (RFC 9110: letters, digits and `-`)',
        '4:40 providers.openai.headers.x-ok | must not begin or end with a space',
      ],
    },
    {
      name: 'headers of the connection',
      text: 'providers: {openai: {headers: {Host: x, Transfer-Encoding: chunked, x-a: a, X-A: b}}}\n',
      errors: [
        '1:32 providers.openai.headers.Host | belongs to the connection and cannot be set here',
        '1:41 providers.openai.headers.Transfer-Encoding | belongs to the connection and cannot be set here',
        '1:77 providers.openai.headers.X-A | stands here a second time',
      ],
    },
  ];
  for (const { name, text, errors } of cases) {
    it(`names line, column and field: ${name}`, () => {
      assert.deepEqual(errorsOf(text).map(brief), errors);
    });
  }

  it('counts columns as editors do, behind a byte-order mark and CRLF', () => {
    assert.deepEqual(errorsOf('\ufeffdata: x\r\nattemts: 3\r\n').map(brief), [
      '2:1 attemts | is not a known key ?attempts',
    ]);
  });

  it('says what would be allowed', () => {
    const allowed = errorsOf(
      'server: {port: x}\nlog: {requests: x}\nproviders: {openai: {api_key: 5}}\nproducers: 1\n',
    );
    assert.deepEqual(
      allowed.map((error) => error.allowed),
      [
        'a whole number from 0 to 65535',
        'one of `none`, `metadata`',
        'a text, or a list of texts or groups',
        'server, data, store, shared, providers, aliases, routes, callers, people, intents, topics, understand, health, timeouts, attempts, limits, price_unknown, output, responses, batches, billing, log, retention',
      ],
    );
  });

  it('checks `base_url` against the port that is really listened on', () => {
    const text = 'providers: {a: {like: openai, base_url: "http://127.0.0.1:8787/v1"}}\n';
    assert.equal(errorsOf(text).length, 1);
    assert.ok(parseConfig(text, { file: 'f', env: {}, port: 9999 }).ok);
    assert.ok(parseConfig(text, { file: 'f', env: {}, port: 0 }).ok);
  });

  it('never repeats a value that came from the environment', () => {
    const env = { SECRET: 'hunter2hunter2hunter2' };
    const text =
      'log: {requests: "${SECRET}"}\nproviders: {openai: {base_url: "${SECRET}", region: "${SECRET} X", weight: "${SECRET}"}}\n';
    const errors = errorsOf(text, { env });
    assert.equal(errors.length, 4);
    assert.ok(!JSON.stringify(errors).includes('hunter2'));
  });
});

describe('parseConfig on hostile files', () => {
  const LAUGHS = Array.from({ length: 9 }, (_, level) => {
    const below =
      level === 0 ? '[x,x,x,x,x,x,x,x,x]' : `[${Array.from({ length: 9 }, () => `*a${level - 1}`).join(',')}]`;
    return `a${level}: &a${level} ${below}`;
  }).join('\n');
  const MIB = 1024 * 1024;
  const cases: readonly { name: string; text: string; message: RegExp; line: number }[] = [
    { name: 'a bomb of aliases', text: LAUGHS, message: /stand for too many values/, line: 1 },
    { name: 'a megabyte and a byte', text: `# ${'x'.repeat(MIB)}`, message: /larger than 1048576 bytes/, line: 1 },
    {
      name: '100,000 brackets',
      text: 'a: 1\nb: '.concat('['.repeat(100_000)),
      message: /deeper than 64 levels/,
      line: 2,
    },
    { name: '100,000 braces', text: '{'.repeat(100_000), message: /deeper than 64 levels/, line: 1 },
    { name: '100,000 list marks', text: '- '.repeat(100_000), message: /deeper than 64 levels/, line: 1 },
    {
      name: 'ever deeper lines',
      text: Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      message: /deeper than 64/,
      line: 65,
    },
    { name: 'half a million commas', text: `[${','.repeat(500_000)}]`, message: /words and marks/, line: 1 },
    { name: 'half a million tags', text: '! '.repeat(500_000), message: /words and marks/, line: 1 },
    {
      name: 'a value of a megabyte',
      text: `data: "${'\\x'.repeat(MIB / 4)}"`,
      message: /A single value has more than/,
      line: 1,
    },
    { name: 'NUL and control characters', text: '\u0000\u0001: \u001b[2J', message: /not a known key/, line: 1 },
  ];
  for (const { name, text, message, line } of cases) {
    it(`refuses ${name} with its line, at once`, () => {
      const started = performance.now();
      const errors = errorsOf(text);
      const tookMs = performance.now() - started;
      const hit = errors.find((error) => message.test(error.message));
      assert.ok(hit !== undefined, errors.slice(0, 3).map(brief).join('\n'));
      assert.equal(hit.line, line);
      assert.ok(tookMs < 5000, `${tookMs} ms`);
    });
  }

  it('shows at most 100 errors', () => {
    assert.equal(errorsOf(Array.from({ length: 500 }, (_, index) => `k${index}: 1`).join('\n')).length, 100);
  });

  const fragment = fc.constantFrom(
    'providers:',
    'openai:',
    'routes:',
    'aliases:',
    'a:',
    'targets:',
    'tiers:',
    'api_key:',
    'price:',
    'models:',
    'input:',
    'like:',
    'base_url: http://h',
    '\n',
    '\n  ',
    '\n    ',
    '\n      ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '"',
    "'",
    '&x ',
    '*x',
    '!!str ',
    '|',
    '>',
    '#',
    '${A}',
    '${',
    '$${',
    '0.1',
    '-1',
    '~',
    '\t',
    '---',
    '...',
    '%',
    ': ',
    '? ',
    'a',
    '\r\n',
    '\u0000',
    '\ud800',
    '<<',
    '__proto__',
  );
  it('never throws, whatever the text, and every error lies inside it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fragment, { maxLength: 60 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        const result = parseConfig(given, { file: 'f', env: { A: 'x' }, known: KNOWN });
        const lines = given.split('\n').length;
        for (const error of result.ok ? result.value.warnings : result.error) {
          assert.ok(
            error.line >= 1 && error.line <= lines && error.column >= 1 && error.length >= 1,
            JSON.stringify(error),
          );
          assert.ok(error.message.length > 0 && !error.message.includes('undefined'), JSON.stringify(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
