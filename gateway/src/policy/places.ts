/**
 * Where the large clouds have their regions: facts, as the providers publish them, read on 2026-11-27.
 * AWS: the partitions in its SDK (`@aws-sdk/core`, held by a test), and "AWS Regions" in its documentation.
 * Google Cloud: "Regions and zones" (https://cloud.google.com/compute/docs/regions-zones).
 * Azure: "Azure regions list" (https://learn.microsoft.com/azure/reliability/regions-list), and the lists of Azure Government and Azure China.
 * Coordinates are those of the town or state that is named there, to a tenth of a degree (11 km): enough for milliseconds.
 */

export interface Place {
  /** ISO 3166-1 alpha-2, in small letters. */
  readonly country: string;
  /** Degrees north and east. */
  readonly latitude: number;
  readonly longitude: number;
}

/** `country latitude longitude name of its regions…`, a line a place: the clouds call the same town by many names. */
const TABLE = `
ae 25.3 55.3 me-central-1 uaenorth
ae 24.5 54.4 uaecentral
at 48.2 16.4 austriaeast
au -33.9 151.2 ap-southeast-2 australia-southeast1 australiaeast
au -37.8 145.0 ap-southeast-4 australia-southeast2 australiasoutheast
au -35.3 149.1 australiacentral australiacentral2
be 50.5 3.8 europe-west1
be 50.8 4.4 belgiumcentral
bh 26.2 50.6 me-south-1
br -23.6 -46.6 sa-east-1 southamerica-east1 brazilsouth
br -22.9 -43.2 brazilsoutheast
ca 45.5 -73.6 ca-central-1 northamerica-northeast1
ca 51.0 -114.1 ca-west-1
ca 43.7 -79.4 northamerica-northeast2 canadacentral
ca 46.8 -71.2 canadaeast
ch 47.4 8.5 eu-central-2 europe-west6 switzerlandnorth
ch 46.2 6.1 switzerlandwest
cl -33.4 -70.7 sa-west-1 southamerica-west1 chilecentral
cn 39.9 116.4 cn-north-1 chinanorth chinanorth2 chinanorth3
cn 31.2 121.5 chinaeast chinaeast2 chinaeast3
cn 37.5 105.2 cn-northwest-1
de 50.1 8.7 eu-central-1 europe-west3 germanywestcentral
de 52.5 13.4 europe-west10 germanynorth
de 52.4 13.1 eusc-de-east-1
dk 55.7 12.6 denmarkeast
es 41.6 -0.9 eu-south-2
es 40.4 -3.7 europe-southwest1 spaincentral
fi 60.6 27.2 europe-north1
fr 48.9 2.4 eu-west-3 europe-west9 francecentral
fr 43.3 5.4 francesouth
gb 51.5 -0.1 eu-west-2 europe-west2 uksouth
gb 51.5 -3.2 ukwest
hk 22.3 114.2 ap-east-1 asia-east2 eastasia
id -6.2 106.8 ap-southeast-3 asia-southeast2 indonesiacentral
ie 53.3 -6.3 eu-west-1 northeurope
il 32.1 34.8 il-central-1 me-west1 israelcentral
in 19.1 72.9 ap-south-1 asia-south1 westindia
in 28.6 77.2 asia-south2
in 17.4 78.5 ap-south-2
in 18.5 73.9 centralindia
in 13.1 80.3 southindia
in 21.1 79.1 jioindiacentral
in 22.5 70.1 jioindiawest
it 45.5 9.2 eu-south-1 europe-west8 italynorth
it 45.1 7.7 europe-west12
jp 35.7 139.7 ap-northeast-1 asia-northeast1 japaneast
jp 34.7 135.5 ap-northeast-3 asia-northeast2 japanwest
kr 37.6 127.0 ap-northeast-2 asia-northeast3 koreacentral
kr 35.2 129.1 koreasouth
mx 20.6 -100.4 mx-central-1 northamerica-south1 mexicocentral
my 3.1 101.7 ap-southeast-5 malaysiawest
nl 52.4 4.9 westeurope
nl 53.4 6.8 europe-west4
no 59.9 10.8 norwayeast
no 59.0 5.7 norwaywest
nz -36.8 174.8 ap-southeast-6 newzealandnorth
pl 52.2 21.0 europe-central2 polandcentral
qa 25.3 51.5 me-central1 qatarcentral
sa 24.7 46.7 me-west-1
sa 26.4 50.1 me-central2
se 59.3 18.1 eu-north-1 europe-north2
se 60.7 17.1 swedencentral
se 55.6 13.0 swedensouth
sg 1.3 103.8 ap-southeast-1 asia-southeast1 southeastasia
th 13.8 100.5 ap-southeast-7
tw 25.0 121.6 ap-east-2
tw 24.1 120.5 asia-east1
us 41.3 -95.9 us-central1 centralus usdodcentral
us 39.0 -77.5 us-east-1 us-east4 eastus usdodeast usgovvirginia
us 40.0 -83.0 us-east-2 us-east5 us-gov-east-1
us 37.4 -121.9 us-west-1 westus
us 45.6 -121.2 us-west-2 us-west1 us-gov-west-1
us 33.2 -80.0 us-east1
us 32.8 -96.8 us-south1
us 34.1 -118.2 us-west2
us 40.8 -111.9 us-west3
us 36.2 -115.1 us-west4
us 36.7 -78.4 eastus2
us 41.9 -87.6 northcentralus
us 29.4 -98.5 southcentralus usgovtexas
us 41.1 -104.8 westcentralus
us 47.2 -119.9 westus2
us 33.4 -112.1 westus3 usgovarizona
za -33.9 18.4 af-south-1 southafricawest
za -26.2 28.0 africa-south1 southafricanorth
`;

/** Every region that we know, with its place. */
export const REGIONS: ReadonlyMap<string, Place> = new Map(
  TABLE.trim()
    .split('\n')
    .flatMap((line) => {
      const [country = '', latitude, longitude, ...names] = line.split(' ');
      const place = { country, latitude: Number(latitude), longitude: Number(longitude) };
      return names.map((name) => [name, place] as const);
    }),
);
