// The account: where a source of hooks is, and its key. The key travels in a header, never in an address.
'use strict';

const source = (bundle) => String(bundle.authData.address || '').replace(/\/+$/, '');

const addKey = (request, z, bundle) => {
  const ours = source(bundle);
  const [path] = request.url.split('?');
  if (bundle.authData.key && (path === ours || path.startsWith(`${ours}/`))) {
    request.headers['X-Api-Key'] = bundle.authData.key;
  }
  return request;
};

// What hooks says about a refusal is shown to whoever sets up the Zap. 429 and 5xx are left to the platform, which waits.
const readRefusal = (response, z) => {
  if (response.status === 401) {
    throw new z.errors.Error('The key is not the one of this source.', 'AuthenticationError', 401);
  }
  if (response.status === 404) {
    throw new z.errors.Error(
      'There is no such address: check it, and that the source has `hooks:` in routes.yaml.',
      'NotFound',
      404
    );
  }
  if (response.status === 400 || response.status === 409) {
    const told = response.data && response.data.detail;
    throw new z.errors.Error(told || 'hooks has refused this.', 'Refused', response.status);
  }
  return response;
};

const me = async (z, bundle) => (await z.request(`${source(bundle)}/me`)).data;

const authentication = {
  type: 'custom',
  fields: [
    {
      key: 'address',
      label: 'Address of the source',
      type: 'string',
      required: true,
      helpText: 'Such as `https://hooks.example.com/in/zaps`, where `zaps` is the name of the source in routes.yaml.',
    },
    { key: 'key', label: 'Key of the source', type: 'password', required: true },
  ],
  test: me,
  connectionLabel: '{{name}}',
};

module.exports = { authentication, addKey, readRefusal, source };
