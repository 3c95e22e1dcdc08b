import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { Navigation } from "@/components/Navigation";
import { logOut } from "@/lib/actions";
import { currentUser } from "@/lib/session";

export default async function DashboardLayout({ children }: { children: ReactNode }) {
  const user = await currentUser();
  if (user === null) redirect("/login");
  return (
    <>
      <header>
        <strong className="brand">CacaoConnect</strong>
        <Navigation />
        <form action={logOut}>
          <span>
            {user.displayName} <small>{user.role}</small>
          </span>
          <button type="submit">Log out</button>
        </form>
      </header>
      <main>{children}</main>
    </>
  );
}
