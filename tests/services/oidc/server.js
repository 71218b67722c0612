// oidc-provider with its own login and consent pages: any name and password will do. Refresh tokens are good for one use; using one twice revokes the grant.
import http from "node:http";
import Provider from "oidc-provider";

const server = http.createServer((request, response) => callback(request, response));
let callback;
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      { client_id: "machine", client_secret: "m4chine:s3cret+", grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
      {
        client_id: "poster",
        client_secret: "p0ster-s3cret",
        token_endpoint_auth_method: "client_secret_post",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: "signer",
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "ES256",
        jwks: { keys: [JSON.parse(process.env.SIGNER_KEY)] },
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: "notebook",
        token_endpoint_auth_method: "none",
        application_type: "native",
        grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        redirect_uris: ["http://127.0.0.1/callback"],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
    },
    scopes: ["openid", "offline_access", "orders"],
    rotateRefreshToken: true,
    cookies: { keys: ["only for tests"] },
    ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600, DeviceCode: 600, IdToken: 600 },
  });
  callback = provider.callback();
  process.stdout.write(`${issuer}\n`);
});
