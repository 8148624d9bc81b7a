/** Header fields of a request, from what it is made of in the SDK's names. */

/** `names`: those of the header fields, by their names there. What is not given is left out; metadata have names of their own. */
export function headerFields(
  names: Readonly<Record<string, string>>,
  input: { readonly Metadata?: Readonly<Record<string, string>> },
): Record<string, string> {
  const given: Readonly<Record<string, unknown>> = { ...input };
  const fields: Record<string, string> = {};
  for (const name in names) {
    const [field, value] = [names[name], given[name]];
    if (field !== undefined && typeof value === 'string') fields[field] = value;
  }
  for (const name in input.Metadata) fields[`x-amz-meta-${name}`] = input.Metadata[name] ?? '';
  return fields;
}
