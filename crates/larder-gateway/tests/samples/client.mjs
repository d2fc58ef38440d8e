// A minimal client of the plain API: what its samples call `sdk`. Results are {ok, val}; it never throws for a status.

export function createClient({ baseUrl, token }) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};

  async function call(method, query, body) {
    const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
    const search = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
    const response = await fetch(`${baseUrl}/v1/operations/data${search && `?${search}`}`, {
      method,
      headers: body ? { ...headers, 'content-type': 'application/json' } : headers,
      body: body && JSON.stringify(body),
    });
    return { ok: response.ok, val: await response.json() };
  }

  return {
    database: {
      putData: (data) => call('POST', undefined, data),
      scanData: (wanted) => call('GET', wanted),
      deleteData: (unwanted) => call('DELETE', unwanted),
    },
  };
}
