"use server";

import { redirect } from "next/navigation";
import { endSession, startSession } from "./session";
import { authenticate } from "./users";

/** The login form; returns what to tell the visitor. */
export async function logIn(_before: string, form: FormData): Promise<string> {
  const user = authenticate(String(form.get("name") ?? ""), String(form.get("password") ?? ""));
  if (user === null) return "Name or password is wrong.";
  await startSession(user);
  redirect("/");
}

export async function logOut(): Promise<void> {
  await endSession();
  redirect("/login");
}
