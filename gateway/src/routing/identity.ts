/** Who we are at a provider whose credential is more than one static secret: what the configuration says of it, before anything is fetched. */

/** Requests are signed with keys (Signature Version 4). What is absent is looked for where AWS's own tools look. */
export interface AwsIdentity {
  readonly kind: 'aws';
  /** The provider's name in the configuration, for texts. */
  readonly provider: string;
  readonly region: string;
  /** The name that goes into the signature. */
  readonly service: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly profile?: string;
  /** A role to take on with those keys. */
  readonly roleArn?: string;
  readonly externalId?: string;
}

/** An access token of Google Cloud goes out as a bearer. */
export interface GoogleIdentity {
  readonly kind: 'google';
  readonly provider: string;
  /** A service account's or a user's JSON. Absent: where Google's own tools look. */
  readonly credentialsFile?: string;
}

/** A token of Entra ID goes out as a bearer. */
export interface AzureIdentity {
  readonly kind: 'azure';
  readonly provider: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** What the token is for, with `/.default` at its end. */
  readonly scope: string;
}

/** One object a provider and snapshot: what was fetched for it is kept by its identity as an object. */
export type Identity = AwsIdentity | GoogleIdentity | AzureIdentity;
