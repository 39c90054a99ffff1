/** INI files as AWS's tools write them (docs.aws.amazon.com/sdkref/latest/guide/file-format.html). Pure. */

/** Values by section and key, names as they stand in the file. A section that stands twice is one; the last value wins. */
export type Ini = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads what can be read: a line that is no section and no `key = value` is passed over. Indented lines belong to a value above, and are too. */
export function parseIni(text: string): Ini {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\[([^\]]*)\]/.exec(line)?.[1]?.trim().replaceAll(/\s+/g, ' ');
    if (heading !== undefined) {
      section = sections.get(heading) ?? new Map<string, string>();
      sections.set(heading, section);
    } else if (!/^[\s#;]/.test(line)) {
      const equals = line.indexOf('=');
      const value = line
        .slice(equals + 1)
        // A comment begins after a space: a secret may hold a `#`.
        .replace(/\s[#;].*$/, '')
        .trim();
      if (equals > 0) section?.set(line.slice(0, equals).trim(), value);
    }
  }
  return sections;
}
