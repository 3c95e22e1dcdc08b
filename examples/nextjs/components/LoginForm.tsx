"use client";

import { useActionState } from "react";
import { logIn } from "@/lib/actions";

export function LoginForm() {
  const [problem, submit, pending] = useActionState(logIn, "");
  return (
    <form action={submit} className="card">
      <label>
        Name
        <input name="name" autoComplete="username" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button type="submit" disabled={pending}>
        Log in
      </button>
      <p role="alert">{problem}</p>
    </form>
  );
}
